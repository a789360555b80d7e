/* The form below the list: what can be changed of the chosen row. */
"use strict";

((R) => {
  const { h, button } = R;
  const NAMES = { QUESTION: "key", ANSWER: "value", HEADER: "header" };

  R.labelName = (label) => NAMES[label] || label.toLowerCase();

  /** The form for one row. `does`: the page's commands by name (see page.js). */
  R.inspector = (view, row, does) => {
    if (!row) {
      return h(
        "section",
        { class: "inspector empty", "aria-label": "Chosen pair" },
        h("p", { class: "hint", text: "Choose a pair here or a box on the page." }),
        h(
          "div",
          { class: "actions" },
          button("box", "Draw a box", does.draw, { shown: "Draw a box", keys: "N" }),
        ),
      );
    }
    const state = R.rowState(row);
    return h(
      "section",
      { class: "inspector", "aria-label": "Chosen pair" },
      h("div", { class: "parts" }, part(view, row, "key", does), part(view, row, "value", does)),
      h("p", { class: "hint", text: facts(row) }),
      h(
        "div",
        { class: "actions" },
        button("check", state === "accepted" ? "Take back" : "Accept and go on", does.accept, {
          shown: state === "accepted" ? "Take back" : "Accept",
          keys: "A",
          class: "button primary",
        }),
        row.link ? button("unlink", "Remove the link", does.unlink, { shown: "Unlink", keys: "U" }) : null,
        button("link", "Link with another box", does.link, { shown: "Link", keys: "L" }),
        button("box", row.key && !row.value ? "Draw the value's box" : "Draw a box", does.draw, {
          shown: "Draw",
          keys: "N",
        }),
      ),
    );
  };

  function part(view, row, side, does) {
    const entity = row[side];
    if (!entity) {
      return row.key
        ? h(
            "div",
            { class: "part none" },
            h("p", {
              class: "hint",
              text: row.field ? "The field of the form holds the value." : "No value: link one, or draw its box.",
            }),
          )
        : null;
    }
    const id = `text-${side}`;
    const text = h("textarea", {
      id,
      rows: "1",
      dir: "auto",
      spellcheck: "false",
      value: entity.text,
      onfocus: () => does.side(side),
      onchange: () => does.text(entity, text.value.trim()),
    });
    text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        text.blur();
        does.back();
      } else if (event.key === "Escape") {
        event.stopPropagation();
        text.value = entity.text;
        text.blur();
        does.back();
      }
    });
    const labels = h(
      "select",
      {
        "aria-label": `Label of the ${side}`,
        title: "Label (1 to 9)",
        onchange: () => does.label(entity, labels.value),
      },
      R.run.labels.map((label) => h("option", { value: label, text: R.labelName(label) })),
    );
    labels.value = entity.label;
    return h(
      "div",
      { class: view.side === side ? "part active" : "part" },
      h("label", { for: id, text: row.key ? side : R.labelName(entity.label) }),
      text,
      h(
        "div",
        { class: "tools" },
        labels,
        R.isKey(entity.label)
          ? null
          : button("tick", "Tick or remove the tick", () => does.tick(entity), { keys: "T" }),
        button("adjust", "Move the box", () => does.move(entity), { keys: "B" }),
        button("bin", "Delete the box", () => does.remove(entity), { keys: "Delete" }),
      ),
    );
  }

  /** Where the confidence comes from, and the plain value. */
  function facts({ key, value, link }) {
    const said = [];
    const add = (name, thousandths) => {
      if (thousandths >= 0) said.push(`${name} ${R.confidence(thousandths)}`);
    };
    if (key) add("key", key.confidence);
    if (value) add(key ? "value" : "confidence", value.confidence);
    if (link) add("link", link.relation);
    if (link?.type && !value.changed)
      said.push(`${link.type} ${link.plain}${link.currency ? ` ${link.currency}` : ""}`);
    for (const entity of [key, value]) {
      if (entity?.changed && entity.base && entity.base.text !== entity.text)
        said.push(`read as “${entity.base.text}”`);
    }
    return said.join(" · ");
  }
})(BeamKieReview);
