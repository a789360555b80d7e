/* The pairs of a page, keys and values side by side; and what stands in no pair. */
"use strict";

((R) => {
  const { h } = R;

  /** Where an entity stands in reading order; new ones come after the last one that begins above them. */
  function orderOf(entities) {
    const base = entities.filter((entity) => !entity.added);
    const order = new Map(base.map((entity, index) => [entity.id, index]));
    for (const entity of entities.filter((each) => each.added)) {
      const [x, y] = R.boxOf(entity.shape);
      let place = -1;
      base.forEach((other, index) => {
        const [x0, y0, , y1] = R.boxOf(other.shape);
        if (y1 <= y || (y0 <= y + (y1 - y0) / 2 && x0 <= x)) place = index;
      });
      order.set(entity.id, place + 0.5);
    }
    return order;
  }

  const rowId = (key, value) => `${key ? key.id : ""}>${value ? value.id : ""}`;

  /** The rows of a view: pairs and keys without a value first, then what is in no pair. */
  R.rowsOf = (view) => {
    const order = orderOf(view.entities);
    const linked = new Set(view.links.map((link) => link.value));
    const rows = view.links.map((link) => ({
      key: view.there.get(link.key),
      value: view.there.get(link.value),
      link,
    }));
    const filled = new Map(view.fields.map((field) => [field.keyId, field]));
    const withValue = new Set(view.links.map((link) => link.key));
    for (const entity of view.entities) {
      if (withValue.has(entity.id) || linked.has(entity.id)) continue;
      if (R.isKey(entity.label)) rows.push({ key: entity, value: null, link: null, field: filled.get(entity.id) });
      else rows.push({ key: null, value: entity, link: null });
    }
    const place = (row) => order.get((row.key || row.value).id);
    const group = (row) => (row.key ? 0 : 1);
    rows.sort(
      (a, b) =>
        group(a) - group(b) ||
        place(a) - place(b) ||
        (a.value && b.value ? order.get(a.value.id) - order.get(b.value.id) : 0),
    );
    return rows.map((row) => ({ ...row, id: rowId(row.key, row.value) }));
  };

  /** A row's confidence in thousandths: that of the pair, of the entity where there is none, -1 where a person made it. */
  R.rowConfidence = (row) => {
    if (R.rowState(row) === "changed") return -1;
    if (row.field) return row.field.confidence;
    return row.link ? row.link.confidence : (row.key || row.value).confidence;
  };

  /** Whether a person changed something of a row, and whether it was accepted as it is. */
  R.rowState = ({ key, value, link }) => {
    const parts = [key, value].filter(Boolean);
    if (parts.some((entity) => entity.changed) || link?.added) return "changed";
    if (parts.every((entity) => entity.accepted) && (!link || link.accepted)) return "accepted";
    return link?.passed ? "passed" : "";
  };

  const STATES = { changed: "corrected", accepted: "accepted", passed: "above the rule" };

  /** The fields of a form whose keys stand nowhere on the page, where their key or value holds the text looked for. */
  const fieldsOf = (view) =>
    view.fields.filter(
      ({ keyId, key, value }) =>
        keyId === null && (!view.needle || R.fold(`${key}\n${value}`).includes(view.needle)),
    );

  /** The list of rows, and of the fields, which cannot be changed. `handlers`: select(id), hover(row or null). */
  R.pairList = (view, rows, handlers) => {
    const list = h("ul", { class: "pairs", "aria-label": "Keys and values" });
    let last = null,
      group = 0;
    for (const row of rows) {
      if (!row.key && !group) {
        list.append(h("li", { class: "divider", text: "In no pair" }));
        group = 1;
      }
      list.append(rowElement(view, row, row.key && row.key === last, handlers));
      last = row.key;
    }
    const fields = fieldsOf(view);
    if (fields.length) list.append(h("li", { class: "divider", text: "Only in the fields of the form" }));
    list.append(...fields.map(fieldElement));
    if (!rows.length && !fields.length) list.append(h("li", { class: "divider", text: "Nothing was found on this page." }));
    return list;
  };

  /** Show `fresh` in place of `shown`. Rows that are as they were stay the elements that they are: a click on one
      may have begun, and what changed is the text that was left by it. */
  R.showPairs = (place, fresh) => {
    const shown = place.firstElementChild;
    const names = (list) => [...list.children].map((item) => item.firstElementChild?.dataset.row).join("\n");
    if (!shown || names(shown) !== names(fresh)) {
      place.replaceChildren(fresh);
      return;
    }
    [...fresh.children].forEach((item, index) => {
      if (!item.isEqualNode(shown.children[index])) shown.children[index].replaceWith(item);
    });
  };

  function rowElement(view, row, again, handlers) {
    const state = R.rowState(row);
    const chosen = row.id === view.row;
    const mark = state
      ? h(
          "span",
          { class: `state ${state}`, title: STATES[state] },
          R.icon("check"),
          h("span", { class: "hidden", text: STATES[state] }),
        )
      : null;
    const button = h(
      "button",
      {
        type: "button",
        class: again ? "pair again" : "pair",
        "data-row": row.id,
        tabindex: chosen ? "0" : "-1",
        "aria-current": chosen ? "true" : null,
        onclick: () => handlers.select(row.id),
        onpointerenter: () => handlers.hover(row),
        onpointerleave: () => handlers.hover(null),
      },
      cell("key", row.key ? row.key.text : row.value.label.toLowerCase(), !row.key),
      cell("value", row.value?.text ?? row.field?.value ?? "no value", !row.value && !row.field),
      h("span", { class: "sure" }, mark, R.rowConfidence(row) < 0 ? null : R.meter(R.rowConfidence(row))),
    );
    return h("li", null, button);
  }

  function fieldElement({ key, value, confidence }) {
    return h(
      "li",
      { class: "declared" },
      cell("key", key, false),
      cell("value", value, false),
      h("span", { class: "sure" }, R.meter(confidence)),
    );
  }

  function cell(kind, text, absent) {
    return h("span", { class: absent ? `${kind} absent` : kind, dir: "auto", text: text || "(no text)" });
  }
})(BeamKieReview);
