/* What all parts of the review page share. Classic scripts: a page that is opened from disk may not load modules.
   Text reaches the page as text nodes only; the page's policy (Trusted Types) refuses anything else. */
"use strict";

const BeamKieReview = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const listeners = new Map();

  /** An HTML element. `props`: attributes; onX: listeners; class, text, hidden and disabled as they say. */
  function h(tag, props, ...children) {
    return fill(document.createElement(tag), props, children);
  }

  /** An SVG element. */
  function s(tag, props, ...children) {
    return fill(document.createElementNS(SVG, tag), props, children);
  }

  function fill(element, props, children) {
    for (const [name, value] of Object.entries(props || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (name === "text") element.textContent = value;
      else if (name === "value") element.value = value;
      else element.setAttribute(name, value === true ? "" : String(value));
    }
    for (const child of children.flat()) {
      if (child !== null && child !== undefined && child !== false) element.append(child);
    }
    return element;
  }

  /** Tell everybody who listens to `event`. */
  function emit(event, detail) {
    for (const listener of listeners.get(event) || []) listener(detail);
  }

  /** Listen to `event`; returns what ends it. */
  function on(event, listener) {
    if (!listeners.has(event)) listeners.set(event, new Set());
    listeners.get(event).add(listener);
    return () => listeners.get(event).delete(listener);
  }

  /** Text as search compares it: no accents, no case, one form of each character. */
  function fold(text) {
    return text
      .normalize("NFKD")
      .replace(/\p{M}+/gu, "")
      .toLowerCase();
  }

  /** Thousandths as people read confidences; an en dash where there is none. */
  function confidence(thousandths) {
    return thousandths < 0 ? "–" : (thousandths / 1000).toFixed(2);
  }

  /** How sure: "high", "mid" or "low"; "none" where it was not measured. */
  function level(thousandths) {
    if (thousandths < 0) return "none";
    return thousandths >= 800 ? "high" : thousandths >= 500 ? "mid" : "low";
  }

  const NUMBER = new Intl.NumberFormat("en");

  /** `count` and what is counted: 1 page, 2 pages. */
  function counted(count, one, many = `${one}s`) {
    return `${NUMBER.format(count)} ${count === 1 ? one : many}`;
  }

  /** A meter and a number: never colour alone. */
  function meter(thousandths, title = "confidence") {
    const bar = h("span", { class: "bar" });
    bar.style.setProperty("--part", `${Math.max(0, thousandths) / 10}%`);
    return h(
      "span",
      { class: `meter ${level(thousandths)}`, title },
      bar,
      h("span", { class: "figure", text: confidence(thousandths) }),
    );
  }

  /** A short message that goes away by itself; screen readers say it. */
  function toast(text, bad = false) {
    const item = h("p", { class: bad ? "toast bad" : "toast", text });
    const place = document.getElementById("toasts");
    place.append(item);
    while (place.children.length > 3) place.firstChild.remove();
    setTimeout(() => item.remove(), bad ? 9000 : 4000);
  }

  /** Runs `work` once, `wait` ms after the last of several calls. */
  function later(work, wait) {
    let timer = 0;
    return (...args) => {
      clearTimeout(timer);
      timer = setTimeout(() => work(...args), wait);
    };
  }

  /** Whether keys belong to a field that is typed in. */
  function isTyping(target) {
    return (
      target instanceof HTMLElement &&
      (target.matches("textarea, select") || (target.matches("input") && target.type !== "checkbox"))
    );
  }

  /** A line icon, drawn in a 20 x 20 square. */
  function icon(name) {
    return s(
      "svg",
      { class: "icon", viewBox: "0 0 20 20", "aria-hidden": "true", focusable: "false" },
      s("path", { d: ICONS[name] }),
    );
  }

  /** A button with an icon; `label` is its name and its tooltip, `shown` a text beside the icon. */
  function button(name, label, onclick, { shown = "", keys = "", ...more } = {}) {
    const title = keys ? `${label} (${keys})` : label;
    return h(
      "button",
      {
        type: "button",
        class: shown ? "button" : "button only",
        title,
        onclick,
        "aria-label": shown ? null : label,
        ...more,
      },
      name ? icon(name) : null,
      shown ? h("span", { text: shown }) : null,
    );
  }

  const ICONS = {
    back: "M12 4 6 10l6 6",
    next: "m8 4 6 6-6 6",
    plus: "M10 4v12M4 10h12",
    minus: "M4 10h12",
    fit: "M3 7V3h4M17 7V3h-4M3 13v4h4M17 13v4h-4",
    undo: "M7 4 3 8l4 4M3 8h9a4.5 4.5 0 0 1 0 9H8",
    redo: "m13 4 4 4-4 4M17 8H8a4.5 4.5 0 0 0 0 9h4",
    save: "M10 3v9m-4-4 4 4 4-4M3 16h14",
    check: "m4 10.5 4 4 8-9",
    link: "M8 12l4-4M7 8.5 5.2 10.3a3 3 0 0 0 4.2 4.2L11.500 12.700M12.500 11.500l2-2a3 3 0 0 0-4.200-4.200L8.500 7.300",
    unlink:
      "M7 8.500 5.200 10.300a3 3 0 0 0 4.200 4.200L11.500 12.700M12.500 11.500l2-2a3 3 0 0 0-4.200-4.200L8.500 7.300M4 4l12 12",
    box: "M4 5h12v10H4zM10 8v4M8 10h4",
    adjust: "M5 5h10v10H5zM3 3h4M3 3v4M17 17h-4M17 17v-4",
    bin: "M4 6h12M8 6V4h4v2M6 6l1 11h6l1-11",
    theme: "M10 3a7 7 0 1 0 0 14zM10 3a7 7 0 0 1 0 14",
    help: "M7.500 7.500a2.500 2.500 0 1 1 3.500 2.300c-.7.300-1 .8-1 1.700M10 14.500v.1M10 2.500a7.500 7.500 0 1 1 0 15 7.500 7.500 0 0 1 0-15z",
    search: "M9 3a6 6 0 1 1 0 12A6 6 0 0 1 9 3zm4.500 10.500L17 17",
    tick: "M3.500 3.500h13v13h-13zM6.500 10l2.500 2.500 4.500-5",
    alert: "M10 3 2.500 16.500h15zM10 8v4M10 14.300v.1",
    open: "M3 16V5h5l2 2h7v9z",
    eye: "M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5zm8-2.300a2.300 2.300 0 1 1 0 4.600 2.300 2.300 0 0 1 0-4.600z",
    palette:
      "M10 3a7 7 0 1 0 0 14c1.500 0 1.300-1.300.8-2-.6-1 0-2 1.200-2h2a3 3 0 0 0 3-3c0-4-3-7-7-7zM6.500 9v.1M9 6.300v.1M12.800 7v.1",
    all: "m2 11 3.500 3.500L12 7M9 13.500l1 1L17 7",
    file: "M5 2.500h6l4 4v11H5zM11 2.500v4h4",
    stack: "M6 2.500h6l4 4v9H6zM4 5v12.500h9",
  };

  return { h, s, emit, on, fold, confidence, level, counted, meter, toast, later, isTyping, icon, button };
})();
