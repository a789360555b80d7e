/* The run's data: chunks are scripts beside the page that call BeamKieReview.receive. */
"use strict";

((R) => {
  const DATA_VERSION = 1;
  const KEPT_CHUNKS = 24;
  const waiting = new Map();
  const chunks = new Map();
  const policy = window.trustedTypes
    ? window.trustedTypes.createPolicy("beam-kie-review", { createScriptURL: (url) => url })
    : { createScriptURL: (url) => url };

  /** What a chunk calls when it is loaded. */
  R.receive = (kind, number, content) => {
    waiting.get(`${kind}-${number}`)?.resolve(content);
  };

  /** The content of a chunk; rejects where its file is missing. */
  function load(kind, number) {
    const name = `${kind}-${number}`;
    if (chunks.has(name)) {
      const known = chunks.get(name);
      chunks.delete(name);
      chunks.set(name, known);
      return known;
    }
    const promise = new Promise((resolve, reject) => {
      const script = document.createElement("script");
      const file = `data/${kind}-${String(number).padStart(5, "0")}.js`;
      waiting.set(name, { resolve });
      script.onload = () => {
        script.remove();
        waiting.delete(name);
      };
      script.onerror = () => {
        script.remove();
        waiting.delete(name);
        chunks.delete(name);
        reject(new Error(`${file} cannot be loaded: copy the whole folder of the review, or write it again`));
      };
      script.src = policy.createScriptURL(file);
      document.head.append(script);
    });
    chunks.set(name, promise);
    forget();
    return promise;
  }

  /** Pages that were not looked at for long are let go; texts stay, for the next search. */
  function forget() {
    const pages = [...chunks.keys()].filter((name) => name.startsWith("pages-"));
    for (const name of pages.slice(0, Math.max(0, pages.length - KEPT_CHUNKS))) chunks.delete(name);
  }

  /** Load what lists show: sets R.run, R.documents and R.byId. */
  R.loadRun = async () => {
    const run = await load("run", 0);
    if (run.data_version !== DATA_VERSION) {
      throw new Error("the data was written by another version of beam-kie: write the review again");
    }
    R.run = run;
    R.isValue = (label) => run.value_labels.includes(run.labels.indexOf(label));
    R.isKey = (label) => run.key_labels.includes(run.labels.indexOf(label));
    const parts = [];
    for (let number = 0; number < run.chunks.documents; number += 1) parts.push(load("documents", number));
    R.documents = (await Promise.all(parts)).flat().map(documentOf);
    R.byId = new Map(R.documents.map((document) => [document.id, document]));
    R.pageByNumber = [];
    for (const document of R.documents) {
      for (const page of document.pages) if (page.number >= 0) R.pageByNumber[page.number] = page;
    }
  };

  /** The warning that names the required fields without a value, if there is one. */
  R.missingFields = (document) => document.failures.find((each) => each.category === "FIELD_MISSING");

  function documentOf([id, uri, status, format, pageCount, resultRun, failures, pages], order) {
    const cut = uri.lastIndexOf("/") + 1;
    const document = {
      id,
      uri,
      status,
      format,
      pageCount,
      resultRun,
      order,
      name: uri.slice(cut) || uri,
      folder: uri.slice(0, cut),
      folded: R.fold(uri),
      failures: failures.map(([page, stage, category, message, retryable]) => ({
        page,
        stage,
        category,
        message,
        retryable,
      })),
    };
    document.pages = pages.map((entry) => pageOf(document, entry));
    let wrong = 0,
      mean = 0,
      pairs = 0;
    for (const page of document.pages) {
      wrong += page.wrong;
      pairs += page.pairs;
      mean += Math.max(0, page.mean) * page.pairs;
    }
    return Object.assign(document, { wrong, pairs, mean: pairs ? mean / pairs : -1 });
  }

  function pageOf(document, [page, number, entities, pairs, alone, mean, wrong, least, picture, ...area]) {
    return { document, page, number, entities, pairs, alone, mean, wrong: wrong / 100, least, picture, area };
  }

  /** Key, value, confidence, key, ... of the pages of one chunk of texts. */
  R.loadTexts = (number) => load("texts", number);

  /** A page's entities, pairs and lines. */
  R.loadPage = async (page) => {
    const size = R.run.pages_in_chunk;
    const chunk = await load("pages", Math.floor(page.number / size));
    const [width, height, rotation, source, entities, pairs, lines, fields] = chunk[page.number % size];
    return {
      width,
      height,
      rotation,
      source,
      entities: entities.map(([index, label, text, confidence, shape]) => ({
        id: index,
        label: R.run.labels[label],
        text,
        confidence,
        shape,
      })),
      links: pairs
        .filter(([, value]) => value >= 0)
        .map(([key, value, confidence, relation, type, plain, currency]) => ({
          key: entities[key][0],
          value: entities[value][0],
          confidence,
          relation,
          type,
          plain,
          currency,
        })),
      lines: lines.map(([text, confidence, shape]) => ({ text, confidence, shape })),
      fields: fields.map(([place, key, value, confidence]) => ({
        keyId: place < 0 ? null : entities[place][0],
        key,
        value,
        confidence,
      })),
    };
  };

  const NAME = (page) => `${page.document.id}/p${String(page.page).padStart(4, "0")}.jpg`;

  /** Where the picture of a page lies; null where there is none. */
  R.pictureOf = (page) => {
    if (page.picture === 0) return null;
    if (page.picture === 1) return `pictures/${NAME(page)}`;
    return `../../overlays/run_id=${encodeURIComponent(R.run.run_id)}/${NAME(page)}`;
  };

  /** Where the small picture of a page lies; the overlay stands in. */
  R.thumbnailOf = (page) => (page.picture === 1 ? `thumbnails/${NAME(page)}` : R.pictureOf(page));

  /** A page that failed has a picture at most: its size is asked of it. */
  R.barePage = async (page) => {
    const empty = { entities: [], links: [], lines: [], fields: [] };
    const source = page && R.pictureOf(page);
    if (!source) return { ...empty, width: 1000, height: 1414 };
    const image = new Image();
    image.src = source;
    try {
      await image.decode();
    } catch {
      return { ...empty, width: 1000, height: 1414 };
    }
    return { ...empty, width: image.naturalWidth, height: image.naturalHeight };
  };

  /** The two corners of a shape: x0, y0, x1, y1. */
  R.boxOf = (shape) => {
    if (shape.length === 4) return shape;
    const xs = shape.filter((_, index) => index % 2 === 0),
      ys = shape.filter((_, index) => index % 2 === 1);
    return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  };
})(BeamKieReview);
