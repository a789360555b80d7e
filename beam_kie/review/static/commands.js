/* What can be done on a page: the commands behind buttons and keys. */
"use strict";

((R) => {
  /** The commands for the page that `P` shows (page.js). */
  R.commands = (P) => {
    /** What the row that is chosen while linking offers: a key for a value, a value for a key. */
    function otherEnd() {
      const row = P.rowNow();
      const [first, second] = R.isKey(P.view.there.get(P.view.linkFrom).label)
        ? [row?.value, row?.key]
        : [row?.key, row?.value];
      return (first || second)?.id ?? null;
    }

    function say(text) {
      P.parts.hint.hidden = !text;
      P.parts.hint.textContent = text;
    }

    function endMode() {
      P.view.mode = null;
      P.parts.canvas.svg.classList.remove("is-linking");
      say("");
    }

    function finishLink(id) {
      const [from, to] = [P.view.linkFrom, id];
      endMode();
      if (to === null || from === to) return;
      const ends = [from, to].map((each) => P.view.there.get(each));
      const key = ends.find((entity) => R.isKey(entity.label)),
        value = ends.find((entity) => R.isValue(entity.label));
      if (!key || !value || key === value) {
        R.toast("A link joins a key and a value: change a label first", true);
        return;
      }
      R.actions.link(P.view, key.id, value.id);
      P.chooseEntity(value.id, { focus: true });
    }

    function boxMode(box, hint, finish) {
      say(hint);
      P.view.mode = new R.BoxMode(P.parts.canvas, P.view, box, (found) => {
        endMode();
        if (found) finish(found);
        else P.focusRow();
      });
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    }

    /** Where a new box begins that is drawn by keys: right of the chosen entity, or in the middle. */
    function newBox() {
      const { width, height } = P.view.base;
      const entity = P.entityNow();
      if (!entity) return [width * 0.4, height * 0.48, width * 0.6, height * 0.52].map(Math.round);
      const [x0, y0, x1, y1] = R.boxOf(entity.shape);
      const room = Math.min(x1 - x0, width - x1 - 10);
      return (
        room > 20 ? [x1 + 8, y0, x1 + 8 + room, y1] : [x0, y1 + 4, x1, Math.min(height, 2 * y1 - y0 + 4)]
      ).map(Math.round);
    }

    /** An entity as it is now; the form may have been made before its text was changed. */
    const now = (entity) => P.view.there.get(entity.id) || entity;

    const does = {
      side(side) {
        if (P.view.side !== side) {
          P.view.side = side;
          P.mark();
        }
      },
      text(entity, text) {
        P.parts.keepForm = true;
        R.actions.setText(P.view, now(entity), text);
        P.parts.keepForm = false;
      },
      label(entity, label) {
        R.actions.setLabel(P.view, now(entity), label);
        P.chooseEntity(entity.id, { focus: true });
      },
      tick(entity = P.entityNow()) {
        if (entity && !R.isKey(entity.label)) R.actions.tick(P.view, now(entity));
      },
      back() {
        P.refreshForm();
        P.focusRow();
      },
      done() {
        R.actions.setDone(P.view.page, !R.editOf(P.view.page)?.done);
      },
      colour() {
        P.settings.colour = P.settings.colour === "label" ? "confidence" : "label";
        P.legend();
        R.drawBoxes(P.parts.canvas, P.view, P.settings.colour);
        P.mark();
      },
      links() {
        P.settings.links = !P.settings.links;
        P.parts.linksButton.setAttribute("aria-pressed", String(P.settings.links));
        P.mark();
      },
      follow() {
        P.settings.follow = !P.settings.follow;
        P.parts.followButton.setAttribute("aria-pressed", String(P.settings.follow));
        if (P.settings.follow) P.follow();
        else P.parts.canvas.fit();
      },
      accept() {
        const row = P.rowNow();
        if (!row) return;
        const taken = R.rowState(row) === "accepted";
        R.actions.accept(P.view, [row], !taken);
        if (!taken) step(1);
      },
      unlink() {
        const row = P.rowNow();
        if (!row?.link) return;
        R.actions.unlink(P.view, row.link.key, row.link.value);
        P.chooseEntity(row.value.id, { focus: true });
      },
      link() {
        const entity = P.entityNow();
        if (!entity) return;
        P.view.mode = "link";
        P.view.linkFrom = entity.id;
        P.parts.canvas.svg.classList.add("is-linking");
        say("Click the other box, or go to it in the list and press Enter. Esc ends.");
      },
      draw() {
        const row = P.rowNow();
        const key = row?.key && !row.value ? row.key.id : null;
        boxMode(
          newBox(),
          "Draw the box with the pointer; or arrows move it, Shift and arrows size it, Enter keeps it. Esc ends.",
          (box) => {
            const label = R.run.labels[R.run.value_labels[0]];
            const id = R.actions.add(P.view, label, R.textIn(P.view, box), box, key);
            P.chooseEntity(id);
            P.parts.form.querySelector("#text-value")?.focus();
          },
        );
      },
      move(entity = P.entityNow()) {
        if (!entity) return;
        boxMode(
          R.boxOf(entity.shape),
          "Draw the box anew; or arrows move it, Shift and arrows size it, Enter keeps it. Esc ends.",
          (box) => {
            R.actions.setBox(P.view, now(entity), box);
            P.chooseEntity(entity.id, { focus: true });
          },
        );
      },
      remove(entity = P.entityNow()) {
        if (!entity) return;
        const at = P.view.rows.indexOf(P.rowNow());
        R.actions.remove(P.view, now(entity));
        const next = P.view.rows[Math.min(at, P.view.rows.length - 1)];
        if (next) P.choose(next.id, { focus: true });
      },
    };

    function step(by) {
      if (!P.view.rows.length) return;
      const at = P.view.rows.findIndex((row) => row.id === P.view.row);
      P.choose(P.view.rows[Math.max(0, Math.min(P.view.rows.length - 1, at < 0 ? 0 : at + by))].id, {
        focus: true,
      });
    }

    function editText() {
      if (P.view.mode === "link") return finishLink(otherEnd());
      const field =
        P.parts.form.querySelector(`#text-${P.view.side}`) || P.parts.form.querySelector("textarea");
      field?.focus();
      field?.select();
      return undefined;
    }

    function toSide(side) {
      if (!P.rowNow()?.[side]) return;
      P.view.side = side;
      P.refreshForm();
      P.follow();
    }

    const KEYS = {
      ArrowDown: () => step(1),
      ArrowUp: () => step(-1),
      ArrowLeft: () => toSide("key"),
      ArrowRight: () => toSide("value"),
      PageDown: () => P.turn(1),
      PageUp: () => P.turn(-1),
      Home: () => step(-1e6),
      End: () => step(1e6),
      Enter: editText,
      Delete: () => does.remove(),
      Backspace: () => does.remove(),
      "+": () => P.parts.canvas.zoomBy(1.4),
      "=": () => P.parts.canvas.zoomBy(1.4),
      "-": () => P.parts.canvas.zoomBy(1 / 1.4),
      0: () => P.parts.canvas.fit(),
      "/": () => P.parts.root.querySelector("#find").focus(),
    };
    const LETTERS = {
      a: () => does.accept(),
      t: () => does.tick(),
      l: () => does.link(),
      u: () => does.unlink(),
      n: () => does.draw(),
      b: () => does.move(),
      d: () => does.done(),
      c: () => does.colour(),
      v: () => does.links(),
      z: () => does.follow(),
      e: editText,
    };

    /** What a key does on a page; whether it did anything. */
    function key(event) {
      if (P.view.mode instanceof R.BoxMode) return P.view.mode.key(event);
      if (event.key === "Escape") {
        if (P.view.mode) endMode();
        else location.hash = "#/";
        return true;
      }
      const onRow =
        event.target === document.body || event.target.id === "main" || P.parts.list.contains(event.target);
      if (
        [
          "Enter",
          "ArrowDown",
          "ArrowUp",
          "ArrowLeft",
          "ArrowRight",
          "Home",
          "End",
          "Delete",
          "Backspace",
        ].includes(event.key) &&
        !onRow
      )
        return false;
      const command = KEYS[event.key] || (R.lettersOn() && LETTERS[event.key.toLowerCase()]);
      if (command && (P.view.page.number >= 0 || ["PageDown", "PageUp", "0", "+", "-"].includes(event.key))) {
        command();
        return true;
      }
      const label = R.run.labels[Number(event.key) - 1];
      if (R.lettersOn() && label && P.entityNow()) {
        does.label(P.entityNow(), label);
        return true;
      }
      return false;
    }

    return { does, finishLink, otherEnd, key };
  };
})(BeamKieReview);
