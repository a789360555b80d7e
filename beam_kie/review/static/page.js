/* One page: its picture, its pairs, and what keys and buttons do there. */
"use strict";

((R) => {
  const { h, button } = R;
  const settings = { colour: "confidence", links: false, follow: matchMedia("(max-width: 640px)").matches };
  let view = null;
  let parts = {};

  /** The page that is shown, or null. */
  R.currentView = () => (view && parts.root?.isConnected ? view : null);

  /** Build the view of a page in `main`; `wanted` is the number of the page in its file. */
  R.showPage = async (main, document, wanted) => {
    parts.canvas?.destroy();
    view = null;
    R.lastDocument = document.id;
    const page = document.pages.find((each) => each.page === wanted) || document.pages[0] || null;
    const readable = page && page.number >= 0;
    const base = readable ? await R.loadPage(page) : await R.barePage(page);
    view = {
      page: page || { document, page: 0, number: -1, picture: 0, area: [] },
      document,
      base,
      row: null,
      side: "value",
      mode: null,
      needle: "",
    };
    parts = {
      root: h("div", { class: "page" }),
      list: h("div", { class: "list" }),
      form: h("div", { class: "form" }),
      card: h("p", { class: "card", "aria-hidden": "true", hidden: true }),
      zoom: h("output", { class: "zoom", "aria-label": "Zoom" }),
      hint: h("p", { class: "mode", role: "status", hidden: true }),
    };
    parts.canvas = new R.Canvas(view.page, base, {
      pick,
      hover: hoverBox,
      drag: (box) => view.mode?.show(box),
      say: R.toast,
      boxed: (box) => view.mode?.end(box),
      zoomed: (scale) => {
        parts.zoom.textContent = `${Math.round(scale * 100)} %`;
      },
    });
    refresh();
    parts.root.append(
      ...[
        bar(),
        h("div", { class: "picture" }, parts.canvas.svg, tools(), parts.card, parts.hint),
        h(
          "aside",
          { class: "side", "aria-label": "Keys and values" },
          failures(),
          find(),
          parts.list,
          parts.form,
        ),
        strip(),
      ].filter(Boolean),
    );
    main.replaceChildren(parts.root);
    if (view.rows.length) choose(firstDoubtful(), { focus: true });
  };

  /** Where to begin: the first pair that is least sure among those that nobody has looked at. */
  function firstDoubtful() {
    const open = view.rows.filter((row) => row.link && !R.rowState(row) && R.rowConfidence(row) < 500);
    return (open[0] || view.rows[0]).id;
  }

  // ------------------------------------------------------------ what stands around the page

  function bar() {
    const { page, document } = view;
    const count = document.pages.length;
    const done = button("check", "Page is done", () => does.done(), {
      shown: "Done",
      keys: "D",
      "aria-pressed": String(Boolean(R.editOf(page)?.done)),
    });
    parts.done = done;
    return h(
      "div",
      { class: "page-bar" },
      h(
        "a",
        { class: "button", href: "#/", title: "Back to the documents (Esc)" },
        R.icon("back"),
        h("span", { text: "Documents" }),
      ),
      h("h1", { title: document.uri, text: document.name }),
      h("span", {
        class: `badge ${{ SUCCESS: "ok", PARTIAL: "partial", FAILURE: "failed" }[document.status] || "skipped"}`,
        text: document.status.toLowerCase(),
      }),
      h("span", { class: "space" }),
      h(
        "span",
        { class: "turn" },
        button("back", "Page before", () => turn(-1), { keys: "Page Up" }),
        h("span", {
          text: count ? `${page.page} / ${Math.max(document.pageCount, count)}` : "no page",
          title: "Page",
        }),
        button("next", "Next page", () => turn(1), { keys: "Page Down" }),
      ),
      page.number >= 0 ? done : null,
    );
  }

  function tools() {
    const colour = button("palette", "Colour by label or by confidence", () => does.colour(), { keys: "C" });
    const links = button("link", "Show all links", () => does.links(), {
      keys: "V",
      "aria-pressed": String(settings.links),
    });
    const zoomed = button("search", "Zoom to the chosen pair", () => does.follow(), {
      keys: "Z",
      "aria-pressed": String(settings.follow),
    });
    Object.assign(parts, { linksButton: links, followButton: zoomed });
    parts.legend = h("ul", { class: "legend", "aria-label": "Colours" });
    legend();
    return h(
      "div",
      { class: "view-bar" },
      parts.legend,
      h(
        "div",
        { class: "group", role: "group", "aria-label": "View" },
        colour,
        links,
        zoomed,
        button("minus", "Zoom out", () => parts.canvas.zoomBy(1 / 1.4), { keys: "−" }),
        parts.zoom,
        button("plus", "Zoom in", () => parts.canvas.zoomBy(1.4), { keys: "+" }),
        button("fit", "Whole page", () => parts.canvas.fit(), { keys: "0" }),
      ),
    );
  }

  function legend() {
    const entries =
      settings.colour === "label"
        ? [
            ["label-key", "key"],
            ["label-value", "value"],
            ["label-header", "header"],
          ]
        : [
            ["high", "0.80 and more"],
            ["mid", "0.50 to 0.80"],
            ["low", "below 0.50"],
          ];
    parts.legend.replaceChildren(
      ...[...entries, ["human", "a person's"]].map(([name, text]) =>
        h("li", null, h("span", { class: `swatch ${name}` }), text),
      ),
    );
  }

  function failures() {
    const all = view.document.failures.filter(
      (each) => !each.page || each.page === view.page.page || !view.document.pages.length,
    );
    if (view.document.status === "SKIPPED") {
      return h("p", {
        class: "failure",
        text: `Skipped: an earlier run (${view.document.resultRun}) holds its rows.`,
      });
    }
    return all.map((each) =>
      h(
        "div",
        { class: "failure" },
        R.icon("alert"),
        h(
          "div",
          null,
          h("strong", { text: `${each.category} in ${each.stage}` }),
          h("p", { text: each.message }),
          h("p", {
            class: "hint",
            hidden: each.category === "FIELD_MISSING",
            text: each.retryable ? "May succeed in a later run." : "Running it again does not help.",
          }),
        ),
      ),
    );
  }

  function find() {
    return h(
      "div",
      { class: "find" },
      h("input", {
        type: "search",
        id: "find",
        placeholder: "Search on this page",
        "aria-label": "Search on this page",
        oninput: (event) => {
          view.needle = R.fold(event.target.value.trim());
          refreshList();
        },
      }),
      h("span", {
        class: "sum",
        text: `${R.counted(view.page.pairs || 0, "pair")}${view.page.mean >= 0 ? `, mean ${R.confidence(view.page.mean)}` : ""}`,
      }),
    );
  }

  /** Small pictures of the pages around this one. */
  function strip() {
    const { pages } = view.document;
    if (pages.length < 2) return null;
    const at = pages.indexOf(view.page),
      around = pages.slice(Math.max(0, at - 12), at + 13);
    return h(
      "nav",
      { class: "strip", "aria-label": "Pages" },
      around.map((page) => {
        const source = R.thumbnailOf(page);
        return h(
          "a",
          {
            href: `#/${view.document.id}/${page.page}`,
            class: "leaf",
            "aria-current": page === view.page ? "page" : null,
            "aria-label": `Page ${page.page}`,
          },
          source ? h("img", { alt: "", loading: "lazy", src: source }) : R.icon("file"),
          h("span", { class: page.number < 0 ? "low" : R.level(page.mean), text: page.page }),
        );
      }),
    );
  }

  /** Go to the next or last page of what the list shows. */
  function turn(step) {
    const pages = R.foundPages();
    const own = pages.includes(view.page) ? pages : view.document.pages;
    const next = own[own.indexOf(view.page) + step];
    if (next) location.hash = `#/${next.document.id}/${next.page}`;
    else R.toast(step > 0 ? "This was the last page" : "This is the first page");
  }

  // ------------------------------------------------------------ showing what is there

  function refresh() {
    Object.assign(view, R.merge(view.base, R.editOf(view.page)), { base: view.base });
    R.drawBoxes(parts.canvas, view, settings.colour);
    parts.done?.setAttribute("aria-pressed", String(Boolean(R.editOf(view.page)?.done)));
    refreshList();
  }

  function refreshList() {
    const focused = parts.list.contains(document.activeElement);
    view.rows = R.rowsOf(view).filter(
      ({ key, value, field }) =>
        !view.needle || R.fold(`${key?.text || ""}\n${value?.text ?? field?.value ?? ""}`).includes(view.needle),
    );
    if (!view.rows.some((row) => row.id === view.row)) view.row = null;
    R.showPairs(parts.list, R.pairList(view, view.rows, { select: pickRow, hover: hoverRow }));
    if (!view.row && view.rows.length) parts.list.querySelector("[data-row]").tabIndex = 0;
    // A text that is left by a click on a button of the form: the button must still be there.
    if (parts.keepForm) mark();
    else refreshForm();
    if (focused) focusRow();
  }

  function refreshForm() {
    parts.form.replaceChildren(...(view.page.number < 0 ? [] : [R.inspector(view, rowNow(), does)]));
    mark();
  }

  const rowNow = () => view.rows.find((row) => row.id === view.row) || null;
  const entityNow = () => {
    const row = rowNow();
    return row ? row[view.side] || row.key || row.value : null;
  };
  const idsOf = (row) => new Set([row?.key, row?.value].filter(Boolean).map((entity) => entity.id));

  function mark(hovered = null) {
    const ids = new Set([...idsOf(rowNow()), ...idsOf(hovered)]);
    const entity = entityNow();
    R.markBoxes(parts.canvas, {
      chosen: idsOf(rowNow()),
      hovered: idsOf(hovered),
      focus: new Set(entity ? [entity.id] : []),
    });
    R.drawLinks(parts.canvas, view, ids, settings.links);
  }

  function focusRow() {
    const button = parts.list.querySelector("[data-row][tabindex='0']");
    button?.focus({ preventScroll: true });
    button?.scrollIntoView({ block: "nearest" });
  }

  function choose(id, { focus = false, side = null } = {}) {
    const before = parts.list.querySelector("[aria-current]");
    before?.removeAttribute("aria-current");
    for (const each of parts.list.querySelectorAll("[tabindex='0']")) each.tabIndex = -1;
    view.row = id;
    const row = rowNow();
    if (!row) return refreshForm();
    view.side = side || (row[view.side] ? view.side : row.value ? "value" : "key");
    const button = parts.list.querySelector(`[data-row="${CSS.escape(id)}"]`);
    button.tabIndex = 0;
    button.setAttribute("aria-current", "true");
    button.scrollIntoView({ block: "nearest" });
    refreshForm();
    follow();
    if (focus) focusRow();
    return undefined;
  }

  /** Bring what is chosen into view. */
  function follow() {
    const row = rowNow();
    if (!row) return;
    if (settings.follow)
      parts.canvas.show([row.key, row.value].filter(Boolean).map((entity) => R.boxOf(entity.shape)));
    else parts.canvas.reveal(R.boxOf(entityNow().shape));
  }

  function chooseEntity(id, options) {
    const side = R.isKey(view.there.get(id)?.label || "") ? "key" : "value";
    const row =
      view.rows.find((each) => each[side]?.id === id) || view.rows.find((each) => idsOf(each).has(id));
    if (row)
      choose(row.id, { side: row[side]?.id === id ? side : side === "key" ? "value" : "key", ...options });
  }

  function hoverRow(row) {
    mark(row);
    parts.card.hidden = true;
  }

  /** A box under the pointer: its link, and what it says. */
  function hoverBox(id) {
    if (id === parts.hoveredId) return;
    parts.hoveredId = id;
    const row = id === null ? null : view.rows.find((each) => idsOf(each).has(id)) || null;
    mark(row);
    parts.card.hidden = !row;
    if (!row) return;
    const text = [row.key?.text, row.value?.text].filter((each) => each !== undefined).join("  →  ");
    parts.card.replaceChildren(
      h("span", { dir: "auto", text }),
      R.rowConfidence(row) < 0 ? "" : R.meter(R.rowConfidence(row)),
    );
  }

  function pickRow(id) {
    choose(id, { focus: true });
    if (view.mode === "link") finishLink(otherEnd());
  }

  function pick(id) {
    if (view.mode === "link") finishLink(id);
    else if (id !== null) chooseEntity(id, { focus: true });
  }

  /** What commands.js works on. */
  const shown = {
    settings,
    legend,
    turn,
    mark,
    choose,
    chooseEntity,
    focusRow,
    rowNow,
    entityNow,
    refreshForm,
    follow,
    get view() {
      return view;
    },
    get parts() {
      return parts;
    },
  };
  const { does, finishLink, otherEnd, key } = R.commands(shown);
  R.pageKey = (event) => (view ? key(event) : false);

  R.on("edited", (name) => {
    if (R.currentView() && (name === "rule" || name === `${view.document.id}/${view.page.page}`)) refresh();
  });
})(BeamKieReview);
