/* The documents: only the rows that are seen exist. */
"use strict";

((R) => {
  const { h } = R;
  const ROW = 84;
  const BEYOND = 6;
  const STATUS = { SUCCESS: "ok", PARTIAL: "partial", FAILURE: "failed", SKIPPED: "skipped" };

  let found = [];
  let active = 0;
  let scroller, list, sum, progress;
  const shown = new Map();

  /** Build the view of all documents in `main`. */
  R.showList = async (main) => {
    shown.clear();
    list = h("ul", { class: "documents", "aria-label": "Documents" });
    scroller = h("div", { class: "scroller", tabindex: "-1", onscroll: draw }, list);
    sum = h("p", { class: "sum", role: "status" });
    progress = h("progress", { max: "1", hidden: true, "aria-label": "Searched" });
    list.addEventListener("keydown", onKey);
    list.addEventListener("focusin", (event) => {
      const item = event.target.closest("li");
      if (item) setActive(Number(item.dataset.index), false);
    });
    main.replaceChildren(
      h("h1", { class: "hidden", text: `Review of run ${R.run.run_id}` }),
      filters(),
      h("div", { class: "sums" }, sum, progress),
      scroller,
    );
    await search();
    if (R.lastDocument) {
      const index = found.findIndex((each) => each.document.id === R.lastDocument);
      if (index >= 0) setActive(index, true);
    }
  };

  /** What the list shows at present: pages in the order of the list, for "next page". */
  R.foundPages = () => found.flatMap((each) => (each.pages.length ? each.pages : each.document.pages));
  R.foundDocuments = () => found;

  function filters() {
    const filter = R.filter;
    const again = R.later(search, 160);
    const set =
      (name, read = (event) => event.target.value) =>
      (event) => {
        filter[name] = read(event);
        again();
      };
    const text = h("input", {
      type: "search",
      id: "search",
      placeholder: "Search texts and file names",
      autocomplete: "off",
      value: filter.text,
      oninput: set("text"),
      "aria-label": "Search texts and file names",
    });
    const key = h("input", {
      type: "search",
      id: "key",
      list: "key-names",
      placeholder: "Any key",
      autocomplete: "off",
      value: filter.key,
      oninput: set("key"),
    });
    const names = h(
      "datalist",
      { id: "key-names" },
      R.run.keys.map(([name]) => h("option", { value: name })),
    );
    const status = select(
      "status",
      filter.status,
      [
        ["", "Any status"],
        ["missing", "Fields missing"],
        ["failed", "With failures"],
        ["open", "Not done"],
        ["done", "Done"],
        ["changed", "Changed"],
        ["SUCCESS", "Success"],
        ["PARTIAL", "Partial"],
        ["FAILURE", "Failure"],
        ["SKIPPED", "Skipped"],
      ],
      set("status"),
    );
    const said = h("output", { for: "below", text: below(filter.below) });
    const range = h("input", {
      type: "range",
      id: "below",
      min: "50",
      max: "1000",
      step: "50",
      value: filter.below,
      oninput: (event) => {
        filter.below = Number(event.target.value);
        said.textContent = below(filter.below);
        again();
      },
    });
    const order = select(
      "order",
      filter.order,
      [
        ["doubt", "Most doubtful first"],
        ["least", "Lowest confidence first"],
        ["name", "File name"],
        ["pages", "Most pages first"],
      ],
      set("order"),
    );
    return h(
      "form",
      {
        class: "filters",
        role: "search",
        "aria-label": "Documents",
        onsubmit: (event) => event.preventDefault(),
      },
      h("div", { class: "field wide" }, R.icon("search"), text),
      h("div", { class: "field" }, h("label", { for: "key", text: "Key" }), key, names),
      h("div", { class: "field" }, h("label", { for: "status", text: "Status" }), status),
      h("div", { class: "field" }, h("label", { for: "below", text: "Has a pair" }), range, said),
      h("div", { class: "field" }, h("label", { for: "order", text: "Order" }), order),
    );
  }

  const below = (thousandths) =>
    thousandths >= 1000 ? "of any confidence" : `of ${R.confidence(thousandths)} or less`;

  function select(id, value, options, onchange) {
    const element = h(
      "select",
      { id, onchange },
      options.map(([name, text]) => h("option", { value: name, text })),
    );
    element.value = value;
    return element;
  }

  async function search() {
    let result;
    try {
      result = await R.search((share) => {
        progress.hidden = share >= 1;
        progress.value = share;
      });
    } catch (error) {
      R.toast(error.message, true);
      return;
    }
    if (result === null || !list.isConnected) return;
    found = result;
    active = 0;
    scroller.scrollTop = 0;
    list.style.height = `${found.length * ROW}px`;
    clear();
    tell();
    draw();
  }

  function tell() {
    const pages = found.flatMap((each) => each.pages);
    const pairs = pages.reduce((all, page) => all + page.pairs, 0),
      wrong = pages.reduce((all, page) => all + page.wrong, 0);
    sum.textContent = found.length
      ? `${R.counted(found.length, "document")}, ${R.counted(pages.length, "page")}, ${R.counted(pairs, "pair")}, about ${R.counted(Math.round(wrong), "of them", "of them")} wrong`
      : "Nothing found: loosen the filters.";
  }

  function clear() {
    for (const row of shown.values()) row.remove();
    shown.clear();
  }

  /** Make the rows that are seen, and a few beyond; the others go, but not the one that has the focus. */
  function draw() {
    if (!scroller.isConnected) return;
    const first = Math.max(0, Math.floor(scroller.scrollTop / ROW) - BEYOND);
    const last = Math.min(
      found.length,
      Math.ceil((scroller.scrollTop + scroller.clientHeight) / ROW) + BEYOND,
    );
    for (const [index, row] of shown) {
      if ((index < first || index >= last) && index !== active) {
        row.remove();
        shown.delete(index);
      }
    }
    for (let index = first; index < last; index += 1) show(index);
  }

  function show(index) {
    if (shown.has(index) || index >= found.length) return;
    const row = rowOf(found[index], index);
    row.style.setProperty("--top", `${index * ROW}px`);
    const after = [...shown.keys()].filter((other) => other > index).sort((a, b) => a - b)[0];
    list.insertBefore(row, after === undefined ? null : shown.get(after));
    shown.set(index, row);
  }

  function rowOf({ document, pages }, index) {
    const page = pages[0] || document.pages[0];
    const link = h(
      "a",
      {
        href: `#/${document.id}/${page ? page.page : 0}`,
        class: "document",
        tabindex: index === active ? "0" : "-1",
      },
      picture(page),
      title(document),
      facts(document, pages),
      marks(document),
    );
    return h("li", { "data-index": index, "aria-setsize": found.length, "aria-posinset": index + 1 }, link);
  }

  function picture(page) {
    const source = page ? R.thumbnailOf(page) : null;
    if (!source)
      return h("span", { class: "thumbnail none" }, R.icon(page && page.number >= 0 ? "file" : "alert"));
    return h(
      "span",
      { class: "thumbnail" },
      h("img", { alt: "", loading: "lazy", decoding: "async", src: source }),
    );
  }

  function title(document) {
    const failure = R.missingFields(document) || document.failures[0];
    const below =
      document.status === "SKIPPED"
        ? `Rows are in run ${document.resultRun || "before"}`
        : failure
          ? failure.message
          : document.folder;
    return h(
      "span",
      { class: "title" },
      h("strong", { text: document.name }),
      h("span", { class: failure ? "why" : "where", text: below, title: below }),
    );
  }

  function facts(document, pages) {
    const count = document.pages.length;
    const some = R.isFiltered() && pages.length < count ? `${pages.length} of ` : "";
    const wrong = Math.round(document.wrong);
    return h(
      "span",
      { class: "facts" },
      h("span", { text: count ? some + R.counted(count, "page") : "no page" }),
      h("span", { text: R.counted(document.pairs, "pair") }),
      document.pairs && !isDone(document)
        ? h("span", {
            title: "by the confidences of its pairs",
            class: wrong ? "doubt" : "",
            text: wrong ? `about ${wrong} wrong` : "hardly any wrong",
          })
        : null,
    );
  }

  /** Whether every page that came through was looked at. */
  function isDone(document) {
    const pages = document.pages.filter((page) => page.number >= 0);
    return pages.length > 0 && pages.every((page) => R.editOf(page)?.done);
  }

  function marks(document) {
    const edits = document.pages.map((page) => R.editOf(page)).filter(Boolean);
    const changes = edits.reduce((all, edit) => all + R.countEdits(edit), 0);
    const accepted = edits.reduce((all, edit) => all + R.countAccepted(edit), 0);
    return h(
      "span",
      { class: "marks" },
      document.mean >= 0 ? R.meter(document.mean, "mean confidence of the pairs") : null,
      changes ? h("span", { class: "badge human", text: R.counted(changes, "change") }) : null,
      accepted ? h("span", { class: "badge done", text: `${accepted} accepted` }) : null,
      R.missingFields(document) ? h("span", { class: "badge partial", text: "field missing" }) : null,
      isDone(document)
        ? h("span", { class: "badge done" }, R.icon("check"), "done")
        : h("span", { class: `badge ${STATUS[document.status]}`, text: document.status.toLowerCase() }),
    );
  }

  function setActive(index, focus) {
    if (!found.length) return;
    const before = active;
    active = Math.max(0, Math.min(found.length - 1, index));
    shown.get(before)?.firstChild.setAttribute("tabindex", "-1");
    if (focus) {
      const top = active * ROW;
      if (top < scroller.scrollTop) scroller.scrollTop = top;
      else if (top + ROW > scroller.scrollTop + scroller.clientHeight)
        scroller.scrollTop = top + ROW - scroller.clientHeight;
      draw();
    }
    show(active);
    const link = shown.get(active).firstChild;
    link.setAttribute("tabindex", "0");
    if (focus) link.focus({ preventScroll: true });
  }

  function onKey(event) {
    const page = Math.max(1, Math.floor(scroller.clientHeight / ROW) - 1);
    const steps = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -found.length,
      End: found.length,
    };
    if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    setActive(active + steps[event.key], true);
  }

  R.listKey = (event) => {
    if (event.key !== "ArrowDown" || R.isTyping(event.target) || list.contains(event.target)) return false;
    setActive(active, true);
    return true;
  };

  R.on("edited", () => {
    if (!list?.isConnected) return;
    clear();
    draw();
  });
  window.addEventListener("resize", () => list?.isConnected && draw());
})(BeamKieReview);
