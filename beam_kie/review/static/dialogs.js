/* Help, accepting many pairs at once, discarding everything. */
"use strict";

((R) => {
  const { h } = R;

  const KEYS = [
    [
      "Everywhere",
      [
        ["/", "search"],
        ["?", "this list"],
        ["Ctrl+Z", "undo"],
        ["Ctrl+Y", "redo"],
        ["S", "download corrections"],
        ["Shift+A", "accept all above a confidence"],
        ["Esc", "back"],
      ],
    ],
    [
      "Documents",
      [
        ["↑ ↓", "move"],
        ["Page Up, Page Down, Home, End", "move further"],
        ["Enter", "open"],
      ],
    ],
    [
      "Page",
      [
        ["↑ ↓", "the pair before, the next one"],
        ["← →", "its key, its value"],
        ["Enter", "change the text"],
        ["A", "accept and go on"],
        ["T", "tick or remove the tick"],
        ["1 to 9", "label"],
        ["L", "link with another box"],
        ["U", "remove the link"],
        ["N", "draw a box"],
        ["B", "move the box"],
        ["Delete", "delete the box"],
        ["D", "page is done"],
        ["Page Up, Page Down", "the page before, the next one"],
        ["+ − 0", "zoom in, out, whole page"],
        ["Z", "zoom to the chosen pair"],
        ["C", "colour by label or by confidence"],
        ["V", "show all links"],
      ],
    ],
    [
      "In a text",
      [
        ["Enter", "keep and go back to the list"],
        ["Shift+Enter", "new line"],
        ["Esc", "leave it as it was"],
      ],
    ],
  ];

  function open(title, content, buttons) {
    const dialog = h(
      "dialog",
      { "aria-label": title },
      h(
        "form",
        { method: "dialog" },
        h("h2", { text: title }),
        content,
        h("p", { class: "choices" }, buttons),
      ),
    );
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    return dialog;
  }

  function choice(text, value, first = false) {
    return h("button", { class: first ? "button primary" : "button", value, text, autofocus: first });
  }

  /** All keys, and the switch for those of a single letter. */
  R.showHelp = () => {
    const letters = h("input", { type: "checkbox", id: "letters" });
    letters.checked = R.lettersOn();
    letters.addEventListener("change", () => R.setLetters(letters.checked));
    const groups = KEYS.map(([title, rows]) =>
      h(
        "section",
        null,
        h("h3", { text: title }),
        h(
          "dl",
          null,
          rows.map(([keys, what]) =>
            h(
              "div",
              null,
              h(
                "dt",
                null,
                keys.split(", ").map((key) => h("kbd", { text: key })),
              ),
              h("dd", { text: what }),
            ),
          ),
        ),
      ),
    );
    open(
      "Keys",
      [
        h("div", { class: "keys" }, groups),
        h("p", null, letters, h("label", { for: "letters", text: " Single letters are keys" })),
      ],
      [choice("Close", "", true)],
    );
  };

  /** Accept all pairs above a confidence, on the page that is shown or in the whole run. */
  R.showAccept = () => {
    const view = R.currentView();
    const range = h("input", { type: "range", id: "accept-range", min: "500", max: "1000", step: "10" });
    range.value = String(R.acceptedAbove() ?? 950);
    const said = h("output", { for: "accept-range" });
    const scopes = h("select", { id: "accept-scope" });
    if (view) scopes.append(h("option", { value: "page", text: "This page" }));
    scopes.append(h("option", { value: "run", text: "The whole run" }));
    const count = h("p", { class: "hint" });
    const rows = () =>
      view
        ? R.rowsOf(view).filter(({ link }) => link && !link.added && link.confidence >= Number(range.value))
        : [];
    const tell = () => {
      said.textContent = R.confidence(Number(range.value));
      count.textContent =
        scopes.value === "page"
          ? `${R.counted(rows().length, "pair")} of this page: each becomes a pair that a person confirmed.`
          : "A rule of the file, for pairs that nobody looks at: they no longer count as doubtful, but not as corrected.";
    };
    range.addEventListener("input", tell);
    scopes.addEventListener("change", tell);
    const dialog = open(
      "Accept all above a confidence",
      [
        h("p", null, h("label", { for: "accept-range", text: "From this confidence on " }), said),
        range,
        h("p", null, h("label", { for: "accept-scope", text: "Where " }), scopes),
        count,
      ],
      [
        choice("Cancel", ""),
        R.acceptedAbove() === null ? null : choice("Remove the rule", "remove"),
        choice("Accept", "accept", true),
      ],
    );
    tell();
    dialog.addEventListener("close", () => {
      if (dialog.returnValue === "remove") R.acceptAbove(null);
      if (dialog.returnValue !== "accept") return;
      if (scopes.value === "run") R.acceptAbove(Number(range.value));
      else R.actions.accept(view, rows());
      R.toast("Accepted");
    });
  };

  /** Everything about the corrections: download, open, discard. */
  R.showCorrections = () => {
    const pages = R.editedPages();
    const changes = pages.reduce((sum, [, edit]) => sum + R.countEdits(edit), 0);
    const accepted = pages.reduce((sum, [, edit]) => sum + R.countAccepted(edit), 0);
    const done = pages.filter(([, edit]) => edit.done).length;
    const file = h("input", { type: "file", id: "corrections-file", accept: ".json,application/json" });
    const dialog = open(
      "Corrections",
      [
        h("p", {
          text:
            `${R.counted(changes, "change")}, ${R.counted(accepted, "accepted pair")} on ${R.counted(pages.length, "page")}; ${R.counted(done, "page")} done. ` +
            "They are kept in this browser only, until you download them.",
        }),
        h(
          "p",
          { class: "hint" },
          "Then: ",
          h("code", {
            text: `python -m beam_kie.labelled.corrections corrections-${R.run.run_id}.json --run OUTPUT --tables corrected`,
          }),
        ),
        h(
          "p",
          null,
          h("label", { for: "corrections-file", text: "Go on with a file of corrections " }),
          file,
        ),
      ],
      [choice("Close", ""), choice("Discard all", "discard"), choice("Download", "download", true)],
    );
    file.addEventListener("change", async () => {
      const text = await file.files[0].text();
      dialog.close();
      R.openCorrections(text);
    });
    dialog.addEventListener("close", () => {
      if (dialog.returnValue === "download") R.download();
      if (dialog.returnValue === "discard") {
        R.discardAll();
        R.toast("All changes discarded; undo brings them back");
      }
    });
  };
})(BeamKieReview);
