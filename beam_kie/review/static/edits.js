/* What a person changed: kept page by page, undone and redone step by step, saved in the browser at once.

   The edit of a page says how it differs from the tables:
     e: {entity: {t: text, l: label, b: box, d: deleted, a: accepted, w: {t, l} what it was}}
     n: [{t, l, b, d}]         new entities, named n0, n1, ...
     k: {"key>value": 1 added | -1 removed | 2 accepted}
     done: true                the page was looked through */
"use strict";

((R) => {
  const PREFIX = "beam-kie-review/";
  const RULE = "rule";
  const MOST_STEPS = 500;
  /* A mark at the beginning or the end of a text. */
  const MARK = /[☑☒✓✔✅√■●◉⦿☐□▢○◯]|[[(（]\s*[xX√✓✔]?\s*[\])）]/u;
  const MARKED = new RegExp(`^\\s*(?:${MARK.source})|(?:${MARK.source})\\s*$`, "u");
  const CHECKED = /[☑☒✓✔✅√■●◉⦿xX]/u;
  const RING = /[○◯●◉⦿]/u;

  /** The text with its mark turned over; a text without a mark gets one. */
  function ticked(text) {
    const mark = text.match(MARKED)?.[0];
    if (!mark) return text.trim() ? `☑ ${text.trim()}` : "☑";
    const isTicked = CHECKED.test(mark);
    const other = RING.test(mark) ? (isTicked ? "○" : "●") : isTicked ? "☐" : "☑";
    return text.replace(mark, mark.replace(mark.trim(), other));
  }

  const edits = new Map();
  const done = [];
  let undone = [];
  let saving = true;

  const nameOf = (page) => `${page.document.id}/${page.page}`;
  const keyOf = (name) => `${PREFIX}${R.run.review_id}/${name}`;

  function isEmpty(edit) {
    return (
      !edit ||
      (typeof edit === "object" &&
        !edit.done &&
        !Object.keys(edit.e || {}).length &&
        !(edit.n || []).some((entity) => !entity.d) &&
        !Object.keys(edit.k || {}).length)
    );
  }

  /** Load what this browser has of the run. */
  R.loadEdits = () => {
    edits.clear();
    try {
      const start = keyOf("");
      for (let index = 0; index < localStorage.length; index += 1) {
        const key = localStorage.key(index);
        if (key.startsWith(start)) take(key.slice(start.length), localStorage.getItem(key));
      }
    } catch {
      saving = false;
      R.toast("This browser keeps nothing of this page: download corrections before you close it.", true);
    }
  };

  /** One entry of the browser's storage; what is no edit is passed over. */
  function take(name, text) {
    try {
      edits.set(name, JSON.parse(text));
    } catch {
      edits.delete(name);
    }
  }

  window.addEventListener("storage", (event) => {
    if (!R.run || !event.key?.startsWith(keyOf(""))) return;
    const name = event.key.slice(keyOf("").length);
    if (event.newValue === null) edits.delete(name);
    else take(name, event.newValue);
    R.emit("edited", name);
  });

  window.addEventListener("beforeunload", (event) => {
    if (!saving && edits.size) event.preventDefault();
  });

  function put(name, text) {
    const edit = text === null ? null : JSON.parse(text);
    if (isEmpty(edit)) edits.delete(name);
    else edits.set(name, edit);
    try {
      if (edits.has(name)) localStorage.setItem(keyOf(name), text);
      else localStorage.removeItem(keyOf(name));
    } catch {
      if (saving) R.toast("The browser's storage is full or closed: download corrections now.", true);
      saving = false;
    }
  }

  function record(name, what, after) {
    const before = edits.has(name) ? JSON.stringify(edits.get(name)) : null;
    if (before === after) return false;
    put(name, after);
    done.push({ name, what, before, after });
    if (done.length > MOST_STEPS) done.shift();
    undone = [];
    R.emit("edited", name);
    return true;
  }

  /** Change a page: `work` gets its edit (e, n, k) to write into; `what` names the step. */
  R.change = (page, what, work) => {
    const edit = structuredClone(edits.get(nameOf(page)) || {});
    edit.e ??= {};
    edit.n ??= [];
    edit.k ??= {};
    work(edit);
    return record(nameOf(page), what, isEmpty(edit) ? null : JSON.stringify(edit));
  };

  /** Accept every pair of the run from a confidence (thousandths) on; null: none. */
  R.acceptAbove = (thousandths) => {
    record(RULE, "accept above a confidence", thousandths === null ? null : JSON.stringify(thousandths));
  };

  /** The confidence (thousandths) from which on pairs are accepted, or null. */
  R.acceptedAbove = () => (edits.has(RULE) ? edits.get(RULE) : null);

  function step(from, to, text, verb) {
    const last = from.pop();
    if (!last) return R.toast(`Nothing to ${verb}`);
    to.push(last);
    put(last.name, last[text]);
    const [id, number] = last.name.split("/");
    R.emit("edited", last.name);
    if (last.name !== RULE) R.emit("show", { id, page: Number(number) });
    return R.toast(`${verb === "undo" ? "Undone" : "Done again"}: ${last.what}`);
  }

  R.undo = () => step(done, undone, "before", "undo");
  R.redo = () => step(undone, done, "after", "redo");
  R.canUndo = () => done.length > 0;
  R.canRedo = () => undone.length > 0;

  /** Forget all changes of this run; can be undone as long as the page is open. */
  R.discardAll = () => {
    for (const name of [...edits.keys()]) record(name, "discard all", null);
  };

  /** Names and edits of all changed pages. */
  R.editedPages = () => [...edits].filter(([name]) => name !== RULE);

  /** The edit of a page, or undefined. */
  R.editOf = (page) => edits.get(nameOf(page));

  /** Replace the edits of pages by those of a file. */
  R.takeEdits = (pages, rule) => {
    for (const [name, edit] of pages) record(name, "open corrections", JSON.stringify(edit));
    if (rule !== null) R.acceptAbove(rule);
  };

  /** How many changes a page has; what was only accepted is none. */
  R.countEdits = (edit) => {
    if (!edit) return 0;
    const changed = Object.values(edit.e || {}).filter(
      (each) => each.d || each.t !== undefined || each.l !== undefined || each.b,
    );
    const added = (edit.n || []).filter((entity) => !entity.d);
    return changed.length + added.length + Object.values(edit.k || {}).filter((mark) => mark !== 2).length;
  };

  /** How many pairs of a page were accepted as they are. */
  R.countAccepted = (edit) => Object.values(edit?.k || {}).filter((mark) => mark === 2).length;

  /** The page as it is now: entities and links, what is changed marked as such. */
  R.merge = (base, edit) => {
    const entities = [];
    for (const entity of base.entities) {
      const change = edit?.e?.[entity.id] || {};
      if (change.d) continue;
      const changed = change.t !== undefined || change.l !== undefined || change.b !== undefined;
      entities.push({
        ...entity,
        text: change.t ?? entity.text,
        label: change.l ?? entity.label,
        shape: change.b ?? entity.shape,
        changed,
        accepted: Boolean(change.a),
        base: entity,
      });
    }
    (edit?.n || []).forEach((entity, index) => {
      if (entity.d) return;
      entities.push({
        id: `n${index}`,
        text: entity.t,
        label: entity.l,
        shape: entity.b,
        confidence: -1,
        changed: true,
        added: true,
        accepted: false,
        base: null,
      });
    });
    const there = new Map(entities.map((entity) => [entity.id, entity]));
    const above = R.acceptedAbove();
    const links = [];
    for (const link of base.links) {
      const mark = edit?.k?.[`${link.key}>${link.value}`];
      if (mark === -1 || !there.has(link.key) || !there.has(link.value)) continue;
      links.push({
        ...link,
        added: false,
        accepted: mark === 2,
        passed: mark !== 2 && above !== null && link.confidence >= above,
      });
    }
    for (const [ends, mark] of Object.entries(edit?.k || {})) {
      const [key, value] = ends.split(">").map((id) => (id.startsWith("n") ? id : Number(id)));
      if (mark === 1 && there.has(key) && there.has(value)) {
        links.push({ key, value, confidence: -1, relation: -1, added: true, accepted: false });
      }
    }
    return { ...base, entities, links, there };
  };

  // ------------------------------------------------------------ the changes that people make

  /** Write into the change of one entity; what equals the tables again is no change. */
  function touch(edit, entity, fields) {
    if (entity.added) {
      Object.assign(edit.n[Number(entity.id.slice(1))], fields);
      return;
    }
    const base = entity.base;
    const change = { ...edit.e[entity.id], ...fields };
    if (change.t === base.text) delete change.t;
    if (change.l === base.label) delete change.l;
    if (change.b && String(change.b) === String(R.boxOf(base.shape))) delete change.b;
    if (!change.a) delete change.a;
    delete change.w;
    if (Object.keys(change).length) edit.e[entity.id] = { ...change, w: { t: base.text, l: base.label } };
    else delete edit.e[entity.id];
  }

  function setLink(edit, view, key, value, mark) {
    const name = `${key}>${value}`;
    const known = view.base.links.some((link) => link.key === key && link.value === value);
    if (mark === 1) {
      if (known) delete edit.k[name];
      else edit.k[name] = 1;
    } else if (known) {
      edit.k[name] = -1;
    } else {
      delete edit.k[name];
    }
  }

  R.actions = {
    setText(view, entity, text) {
      return R.change(view.page, "change a text", (edit) => touch(edit, entity, { t: text }));
    },

    setBox(view, entity, box) {
      return R.change(view.page, "move a box", (edit) => touch(edit, entity, { b: box }));
    },

    /** Links that the new label cannot have go. */
    setLabel(view, entity, label) {
      return R.change(view.page, "change a label", (edit) => {
        touch(edit, entity, { l: label });
        for (const link of view.links) {
          const wrong =
            link.key === entity.id ? !R.isKey(label) : link.value === entity.id && !R.isValue(label);
          if (wrong) setLink(edit, view, link.key, link.value, -1);
        }
      });
    },

    /** A new entity, linked to `key` where one is given; returns its id. */
    add(view, label, text, box, key = null) {
      let id = "";
      R.change(view.page, "draw a box", (edit) => {
        edit.n.push({ t: text, l: label, b: box });
        id = `n${edit.n.length - 1}`;
        if (key !== null) setLink(edit, view, key, id, 1);
      });
      return id;
    },

    remove(view, entity) {
      return R.change(view.page, "delete a box", (edit) => {
        for (const link of view.links) {
          if (link.key === entity.id || link.value === entity.id)
            setLink(edit, view, link.key, link.value, -1);
        }
        if (entity.added) edit.n[Number(entity.id.slice(1))].d = 1;
        else edit.e[entity.id] = { d: 1, w: { t: entity.base.text, l: entity.base.label } };
      });
    },

    /** A value has one key: a new link replaces the one before. */
    link(view, key, value) {
      return R.change(view.page, "link a value", (edit) => {
        for (const link of view.links) {
          if (link.value === value && link.key !== key) setLink(edit, view, link.key, value, -1);
        }
        setLink(edit, view, key, value, 1);
      });
    },

    unlink(view, key, value) {
      return R.change(view.page, "remove a link", (edit) => setLink(edit, view, key, value, -1));
    },

    tick(view, entity) {
      const text = ticked(entity.text);
      const what = CHECKED.test(text.match(MARKED)[0]) ? "tick" : "remove a tick";
      return R.change(view.page, what, (edit) =>
        touch(edit, entity, { t: text }),
      );
    },

    /** Accept rows ({key, value, link}) as they are, or take that back where all are accepted. */
    accept(view, rows, accepted = true) {
      return R.change(view.page, accepted ? "accept" : "take back", (edit) => {
        for (const { key, value, link } of rows) {
          for (const entity of [key, value]) {
            if (entity && !entity.added) touch(edit, entity, { a: accepted ? 1 : 0 });
          }
          if (link && !link.added) {
            if (accepted) edit.k[`${link.key}>${link.value}`] = 2;
            else delete edit.k[`${link.key}>${link.value}`];
          }
        }
      });
    },

    setDone(page, isDone) {
      return R.change(page, isDone ? "mark a page as done" : "mark a page as not done", (edit) => {
        if (isDone) edit.done = true;
        else delete edit.done;
      });
    },
  };
})(BeamKieReview);
