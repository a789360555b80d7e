/* The file of corrections (docs/review.md describes it): written from the edits, and read back. */
"use strict";

((R) => {
  const FORMAT = "beam-kie-corrections";
  const VERSION = 1;
  const MARKS = { add: 1, remove: -1, accept: 2 };
  const ACTIONS = { 1: "add", [-1]: "remove", 2: "accept" };

  const isIndex = (value) => Number.isInteger(value) && value >= 0;
  const isName = (value) => isIndex(value) || /^n\d{1,4}$/.test(value);
  const isBox = (value) => Array.isArray(value) && value.length === 4 && value.every(Number.isFinite);
  const idOf = (text) => (text.startsWith("n") ? text : Number(text));

  function entitiesOf(edit) {
    const found = Object.entries(edit.e || {}).map(([id, change]) => {
      const entity = { entity_index: Number(id), action: "change" };
      if (change.d) entity.action = "remove";
      else if (change.t === undefined && change.l === undefined && !change.b) entity.action = "accept";
      if (change.t !== undefined) entity.text = change.t;
      if (change.l !== undefined) entity.label = change.l;
      if (change.b) entity.box = change.b;
      entity.was = { text: change.w.t, label: change.w.l };
      return entity;
    });
    (edit.n || []).forEach((entity, index) => {
      if (!entity.d)
        found.push({ new: `n${index}`, action: "add", text: entity.t, label: entity.l, box: entity.b });
    });
    return found;
  }

  function linksOf(edit) {
    return Object.entries(edit.k || {}).map(([ends, mark]) => {
      const [key, value] = ends.split(">").map(idOf);
      return { key, value, action: ACTIONS[mark] };
    });
  }

  /** All corrections as the file's content. */
  R.correctionsFile = () => {
    const pages = [];
    for (const [name, edit] of R.editedPages()) {
      const [id, number] = name.split("/");
      const document = R.byId.get(id);
      if (!document) continue;
      pages.push({
        document_id: id,
        uri: document.uri,
        page: Number(number),
        done: Boolean(edit.done),
        entities: entitiesOf(edit),
        links: linksOf(edit),
      });
    }
    pages.sort((a, b) =>
      a.document_id < b.document_id ? -1 : a.document_id > b.document_id ? 1 : a.page - b.page,
    );
    const above = R.acceptedAbove();
    return {
      format: FORMAT,
      version: VERSION,
      run_id: R.run.run_id,
      review_id: R.run.review_id,
      schema_version: R.run.schema_version,
      beam_kie_version: R.run.beam_kie_version,
      saved_at: new Date().toISOString(),
      accepted_above: above === null ? null : above / 1000,
      pages,
    };
  };

  /** Give the file to the browser to save. */
  R.download = () => {
    const text = JSON.stringify(R.correctionsFile(), null, 1);
    const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    const link = R.h("a", { href: url, download: `corrections-${R.run.run_id}.json` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
    R.toast("Corrections downloaded");
  };

  function editOf(page) {
    const edit = { e: {}, n: [], k: {} };
    for (const entity of page.entities) {
      if (entity.action === "add") {
        const place = Number(/^n(\d{1,4})$/.exec(entity.new)?.[1]);
        if (!isIndex(place) || !isBox(entity.box)) throw new Error("a new entity without a name or a box");
        edit.n[place] = { t: String(entity.text), l: String(entity.label), b: entity.box };
      } else {
        if (!isIndex(entity.entity_index)) throw new Error("an entity without entity_index");
        const change = { w: { t: String(entity.was?.text ?? ""), l: String(entity.was?.label ?? "") } };
        if (entity.action === "remove") change.d = 1;
        if (entity.action === "accept") change.a = 1;
        if (entity.text !== undefined) change.t = String(entity.text);
        if (entity.label !== undefined) change.l = String(entity.label);
        if (isBox(entity.box)) change.b = entity.box;
        edit.e[entity.entity_index] = change;
      }
    }
    for (let place = 0; place < edit.n.length; place += 1)
      edit.n[place] ??= { t: "", l: "", b: [0, 0, 1, 1], d: 1 };
    for (const link of page.links) {
      if (!Object.hasOwn(MARKS, link.action)) throw new Error(`a link with the action ${link.action}`);
      if (!isName(link.key) || !isName(link.value)) throw new Error("a link without its ends");
      edit.k[`${link.key}>${link.value}`] = MARKS[link.action];
    }
    if (page.done) edit.done = true;
    return edit;
  }

  /** Take the corrections of a file (its text); says in one line what is wrong with it. */
  R.openCorrections = (text) => {
    try {
      const file = JSON.parse(text);
      if (file?.format !== FORMAT) throw new Error("it is no file of corrections");
      if (file.version !== VERSION) throw new Error(`version ${file.version} is not known here`);
      if (file.run_id !== R.run.run_id) throw new Error(`it belongs to run ${file.run_id}`);
      if (file.review_id && file.review_id !== R.run.review_id) {
        throw new Error("it belongs to the tables of this run before they were written anew");
      }
      const pages = file.pages.map((page) => {
        const document = R.byId.get(page.document_id);
        if (!document?.pages.some((each) => each.page === page.page))
          throw new Error("it names a page that is not here");
        return [`${page.document_id}/${page.page}`, editOf(page)];
      });
      R.takeEdits(
        pages,
        Number.isFinite(file.accepted_above) ? Math.round(file.accepted_above * 1000) : null,
      );
      R.toast(`Corrections of ${R.counted(pages.length, "page")} opened`);
    } catch (error) {
      R.toast(`This file cannot be used: ${error.message}`, true);
    }
  };
})(BeamKieReview);
