/* Begins everything: the run's data, what stands above every view, the way between views, keys. */
"use strict";

((R) => {
  const { h, button } = R;
  const main = document.getElementById("main");
  const THEMES = ["auto", "light", "dark"];

  function remembered(name, value) {
    try {
      if (value !== undefined) localStorage.setItem(`beam-kie-review-${name}`, value);
      return localStorage.getItem(`beam-kie-review-${name}`);
    } catch {
      return null;
    }
  }

  function setTheme(theme) {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }

  function nextTheme() {
    const next = THEMES[(THEMES.indexOf(remembered("theme") || "auto") + 1) % THEMES.length];
    remembered("theme", next);
    setTheme(next);
    R.toast(`Theme: ${next === "auto" ? "as the system has it" : next}`);
  }

  R.lettersOn = () => remembered("letters") !== "off";
  R.setLetters = (on) => remembered("letters", on ? "on" : "off");

  const top = {};

  function buildTop() {
    top.undo = button("undo", "Undo", R.undo, { keys: "Ctrl+Z" });
    top.redo = button("redo", "Redo", R.redo, { keys: "Ctrl+Y" });
    top.corrections = button("save", "Corrections: download, open, discard", R.showCorrections, {
      shown: "Corrections",
      keys: "S downloads",
    });
    top.count = h("span", { class: "count", hidden: true });
    top.corrections.append(top.count);
    document.getElementById("top").replaceChildren(
      h(
        "a",
        { class: "brand", href: "#/", "aria-label": "Review, all documents" },
        logo(),
        h("span", { text: "Review" }),
      ),
      h("a", {
        class: "run",
        href: "report.html",
        title: `Report of run ${R.run.run_id}, model ${R.run.model || "not known"}`,
        text: R.run.run_id,
      }),
      h("span", { class: "space" }),
      h("div", { class: "group", role: "group", "aria-label": "Steps" }, top.undo, top.redo),
      button("all", "Accept all above a confidence", R.showAccept, { keys: "Shift+A" }),
      top.corrections,
      button("theme", "Theme: system, light, dark", nextTheme),
      button("help", "Keys", R.showHelp, { keys: "?" }),
    );
    tellChanges();
  }

  function logo() {
    return R.s(
      "svg",
      { class: "logo", viewBox: "0 0 32 32", "aria-hidden": "true" },
      R.s("rect", { width: 32, height: 32, rx: 8, class: "ground" }),
      R.s("rect", { x: 6, y: 9, width: 9, height: 5, rx: 1.5, class: "key" }),
      R.s("rect", { x: 17, y: 18, width: 9, height: 5, rx: 1.5, class: "value" }),
      R.s("path", { d: "M15 11.500h4a3 3 0 0 1 3 3V18", class: "way" }),
    );
  }

  function tellChanges() {
    const changes = R.editedPages().reduce(
      (sum, [, edit]) => sum + R.countEdits(edit) + R.countAccepted(edit),
      0,
    );
    top.undo.disabled = !R.canUndo();
    top.redo.disabled = !R.canRedo();
    top.count.textContent = String(changes);
    top.count.hidden = !changes;
  }

  async function route() {
    const [, id, page] = location.hash.split("/");
    const document_ = id ? R.byId.get(id) : null;
    try {
      if (document_) await R.showPage(main, document_, Number(page));
      else await R.showList(main);
    } catch (error) {
      fail(error);
    }
    document.title = document_
      ? `${document_.name} – review of ${R.run.run_id}`
      : `Review of ${R.run.run_id}`;
  }

  function fail(error) {
    main.replaceChildren(
      h(
        "div",
        { class: "loading", role: "alert" },
        h("h1", { text: "This cannot be shown" }),
        h("p", { text: error.message }),
        h("p", null, h("a", { href: "#/", text: "Documents" })),
      ),
    );
  }

  function onKey(event) {
    if (document.querySelector("dialog[open]") || event.defaultPrevented) return;
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    let done = true;
    if (command && key === "z" && !R.isTyping(event.target)) event.shiftKey ? R.redo() : R.undo();
    else if (command && key === "y" && !R.isTyping(event.target)) R.redo();
    else if (command || (event.altKey && !event.key.startsWith("Arrow")) || R.isTyping(event.target))
      done = leaveField(event);
    else if (event.key === "?") R.showHelp();
    else if (event.shiftKey && key === "a" && R.lettersOn()) R.showAccept();
    else if (key === "s" && R.lettersOn()) R.download();
    else if (R.currentView()) done = R.pageKey(event);
    else if (event.key === "/") document.getElementById("search").focus();
    else done = R.listKey(event);
    if (done) event.preventDefault();
  }

  /** Esc leaves a field, and goes no further. */
  function leaveField(event) {
    if (event.key !== "Escape" || !R.isTyping(event.target)) return false;
    event.target.blur();
    return true;
  }

  async function start() {
    setTheme(remembered("theme") || "auto");
    try {
      await R.loadRun();
    } catch (error) {
      fail(error);
      return;
    }
    R.loadEdits();
    buildTop();
    R.on("edited", tellChanges);
    R.on("show", ({ id, page }) => {
      const view = R.currentView();
      if (view && (view.document.id !== id || view.page.page !== page)) location.hash = `#/${id}/${page}`;
    });
    window.addEventListener("hashchange", route);
    document.addEventListener("keydown", onKey);
    // "Next page" needs the order of the list also where a page is opened first.
    await R.showList(main);
    if (location.hash.split("/")[1]) await route();
    document.documentElement.dataset.ready = "yes";
  }

  start();
})(BeamKieReview);
