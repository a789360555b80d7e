/* The picture of a page: zoom, pan, and the layers that boxes are drawn on. Coordinates are pixels of the page. */
"use strict";

((R) => {
  const { s } = R;
  const MOST_ZOOM = 12;
  const MOVED = 4;
  const MARGIN = 24;
  const READABLE = 26;
  const ARROW = 11;

  /** A canvas for one page; `handlers`: pick(id), hover(id), boxed(box), say(text). */
  R.Canvas = class {
    constructor(page, size, handlers) {
      this.page = page;
      this.size = size;
      this.handlers = handlers;
      this.pointers = new Map();
      this.zoom = 1;
      this.centre = { x: size.width / 2, y: size.height / 2 };
      this.layers = {
        picture: s("g"),
        links: s("g", { class: "links" }),
        boxes: s("g", { class: "boxes" }),
        top: s("g", { class: "top" }),
      };
      this.arrow = arrow();
      this.svg = s(
        "svg",
        {
          class: "canvas",
          role: "img",
          "aria-label": `Picture of page ${page.page} of ${page.document.name}`,
        },
        s("defs", null, this.arrow),
        ...Object.values(this.layers),
      );
      this.drawPicture();
      this.listen();
      this.observer = new ResizeObserver(() => this.apply());
      this.observer.observe(this.svg);
    }

    /** The page itself: its clean picture, or the part of the overlay that holds it. */
    drawPicture() {
      const { width, height } = this.size;
      this.layers.picture.append(s("rect", { class: "paper", x: 0, y: 0, width, height }));
      const source = R.pictureOf(this.page);
      if (!source) return;
      const image = s("image", { href: source, x: 0, y: 0, width, height, preserveAspectRatio: "none" });
      if (this.page.area.length) {
        const [fullWidth, fullHeight, x0, y0, x1, y1] = this.page.area;
        const across = width / (x1 - x0),
          down = height / (y1 - y0);
        for (const [name, value] of Object.entries({
          x: -x0 * across,
          y: -y0 * down,
          width: fullWidth * across,
          height: fullHeight * down,
        }))
          image.setAttribute(name, value);
        image.setAttribute("clip-path", "url(#page-edge)");
        this.layers.picture.append(
          s("clipPath", { id: "page-edge" }, s("rect", { x: 0, y: 0, width, height })),
        );
      }
      image.addEventListener("error", () => {
        image.remove();
        this.handlers.say("The picture of this page is missing");
      });
      this.layers.picture.append(image);
    }

    get fitScale() {
      const room = this.svg.getBoundingClientRect();
      return Math.max(
        0.01,
        Math.min((room.width - MARGIN) / this.size.width, (room.height - MARGIN) / this.size.height),
      );
    }

    /** Pixels of the screen for one of the page. */
    get scale() {
      return this.fitScale * this.zoom;
    }

    /** Show what zoom and centre say; the page never leaves the view as a whole. */
    apply() {
      const room = this.svg.getBoundingClientRect();
      if (!room.width) return;
      const width = room.width / this.scale,
        height = room.height / this.scale;
      this.centre.x = within(this.centre.x, this.size.width, width);
      this.centre.y = within(this.centre.y, this.size.height, height);
      this.view = { x: this.centre.x - width / 2, y: this.centre.y - height / 2, width, height };
      this.svg.setAttribute("viewBox", [this.view.x, this.view.y, width, height].join(" "));
      this.svg.classList.toggle("is-small", this.scale < 0.25);
      // Arrowheads keep their size on the screen, as lines do.
      for (const name of ["markerWidth", "markerHeight"])
        this.arrow.setAttribute(name, String(ARROW / this.scale));
      this.handlers.zoomed?.(this.scale);
    }

    /** Zoom by a factor; the point `at` of the page stays where it is. */
    zoomBy(factor, at = this.centre) {
      const before = this.zoom;
      this.zoom = Math.max(1, Math.min(MOST_ZOOM / Math.min(1, this.fitScale), this.zoom * factor));
      const kept = before / this.zoom;
      this.centre = { x: at.x + (this.centre.x - at.x) * kept, y: at.y + (this.centre.y - at.y) * kept };
      this.apply();
    }

    fit() {
      this.zoom = 1;
      this.apply();
    }

    /** Move so that a box is seen, where it is not. */
    reveal([x0, y0, x1, y1]) {
      if (!this.view || this.zoom === 1) return;
      const { x, y, width, height } = this.view;
      if (x0 >= x && y0 >= y && x1 <= x + width && y1 <= y + height) return;
      this.centre = { x: (x0 + x1) / 2, y: (y0 + y1) / 2 };
      this.apply();
    }

    /** Zoom to a pair: its boxes in view, large enough to be read. */
    show(boxes) {
      const room = this.svg.getBoundingClientRect();
      const [x0, y0, x1, y1] = boxes.reduce((a, b) => [
        Math.min(a[0], b[0]),
        Math.min(a[1], b[1]),
        Math.max(a[2], b[2]),
        Math.max(a[3], b[3]),
      ]);
      const least = Math.min(...boxes.map((box) => box[3] - box[1]));
      const scale = Math.min(
        READABLE / Math.max(1, least),
        (0.85 * room.width) / (x1 - x0),
        (0.85 * room.height) / (y1 - y0),
      );
      this.zoom = Math.max(1, scale / this.fitScale);
      this.centre = { x: (x0 + x1) / 2, y: (y0 + y1) / 2 };
      this.apply();
    }

    /** The point of the page below a pointer. */
    at(event) {
      const room = this.svg.getBoundingClientRect();
      return {
        x: this.view.x + (event.clientX - room.left) / this.scale,
        y: this.view.y + (event.clientY - room.top) / this.scale,
      };
    }

    listen() {
      const { svg } = this;
      svg.addEventListener(
        "wheel",
        (event) => {
          event.preventDefault();
          if (event.ctrlKey || event.metaKey) this.zoomBy(Math.exp(-event.deltaY / 200), this.at(event));
          else if (this.zoom > 1) this.pan(-event.deltaX, -event.deltaY);
          else this.zoomBy(Math.exp(-event.deltaY / 400), this.at(event));
        },
        { passive: false },
      );
      svg.addEventListener("pointerdown", (event) => this.down(event));
      svg.addEventListener("pointermove", (event) => this.move(event));
      for (const name of ["pointerup", "pointercancel"])
        svg.addEventListener(name, (event) => this.up(event));
      svg.addEventListener("pointerleave", () => this.handlers.hover(null));
      svg.addEventListener("dblclick", (event) => this.zoomBy(this.zoom > 2.5 ? 0.01 : 2, this.at(event)));
    }

    pan(x, y) {
      this.centre = { x: this.centre.x - x / this.scale, y: this.centre.y - y / this.scale };
      this.apply();
    }

    down(event) {
      if (event.button > 0) return;
      this.svg.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      this.start = {
        x: event.clientX,
        y: event.clientY,
        point: this.at(event),
        id: idAt(event.target),
        moved: false,
      };
    }

    move(event) {
      const last = this.pointers.get(event.pointerId);
      if (!last) {
        this.handlers.hover(idAt(event.target));
        return;
      }
      if (this.pointers.size === 2) {
        const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
        const before = Math.hypot(last.x - other.x, last.y - other.y),
          after = Math.hypot(event.clientX - other.x, event.clientY - other.y);
        if (before > 0)
          this.zoomBy(
            after / before,
            this.at({ clientX: (event.clientX + other.x) / 2, clientY: (event.clientY + other.y) / 2 }),
          );
        this.start.moved = true;
      } else {
        if (Math.hypot(event.clientX - this.start.x, event.clientY - this.start.y) > MOVED)
          this.start.moved = true;
        if (this.start.moved && this.drawing)
          this.handlers.drag(boxBetween(this.start.point, this.at(event), this.size));
        else if (this.start.moved) this.pan(event.clientX - last.x, event.clientY - last.y);
      }
      this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    }

    up(event) {
      if (!this.pointers.delete(event.pointerId) || this.pointers.size) return;
      if (event.type === "pointercancel") return;
      if (this.drawing && this.start.moved)
        this.handlers.boxed(boxBetween(this.start.point, this.at(event), this.size));
      else if (!this.start.moved) this.handlers.pick(this.start.id);
    }

    destroy() {
      this.observer.disconnect();
    }
  };

  const arrow = () =>
    s(
      "marker",
      { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, orient: "auto", markerUnits: "userSpaceOnUse" },
      s("path", { d: "M0 0.500 8 4 0 7.500z" }),
    );

  /** A centre from which a view of `room` shows as much of `size` as it can. */
  function within(centre, size, room) {
    return room >= size ? size / 2 : Math.max(room / 2, Math.min(size - room / 2, centre));
  }

  function idAt(target) {
    const id = target.closest?.("[data-id]")?.dataset.id;
    return id === undefined ? null : R.entityId(id);
  }

  function boxBetween(a, b, { width, height }) {
    const inside = (value, size) => Math.round(Math.max(0, Math.min(size, value)));
    return [
      inside(Math.min(a.x, b.x), width),
      inside(Math.min(a.y, b.y), height),
      inside(Math.max(a.x, b.x), width),
      inside(Math.max(a.y, b.y), height),
    ];
  }

  /** Entities of the tables are numbers, new ones n0, n1, ... */
  R.entityId = (text) => (/^\d+$/.test(text) ? Number(text) : text);
})(BeamKieReview);
