/* Which documents and pages lists show, and in which order. Texts are loaded when they are first searched. */
"use strict";

((R) => {
  const ALL = 1000;
  const folded = new Map();

  R.filter = { text: "", key: "", status: "", below: ALL, order: "doubt" };

  /** Whether anything narrows the list. */
  R.isFiltered = (filter = R.filter) =>
    Boolean(filter.text.trim() || filter.key.trim() || filter.status || filter.below < ALL);

  const ORDERS = {
    doubt: (a, b) => rank(a) - rank(b) || b.wrong - a.wrong || a.order - b.order,
    least: (a, b) => rank(a) - rank(b) || a.mean - b.mean || a.order - b.order,
    name: (a, b) => a.uri.localeCompare(b.uri) || a.order - b.order,
    pages: (a, b) => b.pages.length - a.pages.length || a.order - b.order,
  };

  /** Missing fields first, then failures, then pages on which nothing was found, then what there is to check;
      what was left out comes last. */
  function rank(document) {
    if (document.status === "SKIPPED") return 5;
    if (R.missingFields(document)) return 0;
    if (document.status === "FAILURE") return 1;
    if (document.failures.length) return 2;
    return document.pairs ? 4 : 3;
  }

  const STATUS = {
    changed: (page) => R.countEdits(R.editOf(page)) + R.countAccepted(R.editOf(page)) > 0,
    done: (page) => Boolean(R.editOf(page)?.done),
    open: (page) => !R.editOf(page)?.done,
    missing: (page) => Boolean(R.missingFields(page.document)),
    failed: (page) => page.number < 0 || page.document.failures.length > 0,
  };

  function hasStatus(page, document, status) {
    if (!status) return true;
    return status in STATUS ? Boolean(page) && STATUS[status](page) : document.status === status;
  }

  /** The texts of a page as the tables have them, folded for the search. */
  async function textsOf(page) {
    const size = R.run.texts_in_chunk,
      number = Math.floor(page.number / size);
    const texts = (await R.loadTexts(number))[page.number % size];
    return { texts, folded: foldedTexts(page.number, texts) };
  }

  function foldedTexts(number, texts) {
    if (!folded.has(number)) folded.set(number, R.fold(texts.filter((_, index) => index % 3 < 2).join("\n")));
    return folded.get(number);
  }

  function editedText(page) {
    const edit = R.editOf(page);
    if (!edit) return "";
    return R.fold(
      [...Object.values(edit.e || {}), ...(edit.n || [])].map((change) => change.t || "").join("\n"),
    );
  }

  /** Whether a page has a pair with that key, and a confidence (thousandths) of at most `below`. */
  function hasKey(texts, key, below) {
    for (let index = 0; index < texts.length; index += 3) {
      if (texts[index + 2] <= below && texts[index] && R.fold(texts[index]).includes(key)) return true;
    }
    return false;
  }

  function compile(filter) {
    return {
      ...filter,
      words: R.fold(filter.text).split(/\s+/).filter(Boolean),
      key: R.fold(filter.key.trim()),
    };
  }

  async function pageMatches(page, wanted) {
    if (wanted.below < ALL && !wanted.key && !(page.least >= 0 && page.least <= wanted.below)) return false;
    const words = wanted.words.filter((word) => !page.document.folded.includes(word));
    if (!words.length && !wanted.key) return true;
    if (page.number < 0) return false;
    const found = await textsOf(page);
    if (wanted.key && !hasKey(found.texts, wanted.key, wanted.below)) return false;
    return words.every((word) => found.folded.includes(word) || editedText(page).includes(word));
  }

  function failureMatches(document, wanted) {
    if (wanted.key || wanted.below < ALL) return false;
    const said = R.fold(document.failures.map((each) => `${each.category} ${each.message}`).join(" "));
    return wanted.words.every((word) => document.folded.includes(word) || said.includes(word));
  }

  /** The documents that R.filter lets through: {document, pages}; `onProgress` gets the share that is searched.

      Resolves to null where another search began meanwhile. */
  let searches = 0;
  R.search = async (onProgress = () => {}) => {
    searches += 1;
    const search = searches;
    const wanted = compile(R.filter);
    const ordered = [...R.documents].sort(ORDERS[wanted.order]);
    const found = [];
    let slice = performance.now();
    for (const [index, document] of ordered.entries()) {
      const pages = [];
      for (const page of document.pages) {
        if (hasStatus(page, document, wanted.status) && (await pageMatches(page, wanted))) pages.push(page);
      }
      const asWhole = !document.pages.length || document.failures.length > 0;
      const whole =
        asWhole && hasStatus(document.pages[0], document, wanted.status) && failureMatches(document, wanted);
      if (pages.length || whole) found.push({ document, pages });
      if (performance.now() - slice > 30) {
        onProgress(index / ordered.length);
        await new Promise((resolve) => {
          setTimeout(resolve);
        });
        slice = performance.now();
      }
      if (search !== searches) return null;
    }
    onProgress(1);
    return found;
  };
})(BeamKieReview);
