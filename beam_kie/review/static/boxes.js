/* Boxes and links on the picture, and the mode in which a box is drawn or moved. */
"use strict";

((R) => {
  const { s } = R;

  /** What colours a box: its confidence, or its label; what a person changed or accepted has a colour of its own. */
  function classesOf(entity, by) {
    const colour =
      entity.changed || entity.accepted
        ? "human"
        : by === "label"
          ? labelClass(entity.label)
          : R.level(entity.confidence);
    return `box ${colour} ${R.isKey(entity.label) ? "key" : ""} ${entity.changed ? "changed" : ""}`;
  }

  function labelClass(label) {
    if (R.isKey(label)) return "label-key";
    return label === "HEADER" ? "label-header" : "label-value";
  }

  const points = (shape) => {
    if (shape.length > 4) return shape.join(" ");
    const [x0, y0, x1, y1] = shape;
    return `${x0} ${y0} ${x1} ${y0} ${x1} ${y1} ${x0} ${y1}`;
  };

  /** Draw all boxes of a view anew. */
  R.drawBoxes = (canvas, view, by) => {
    canvas.layers.boxes.replaceChildren(
      ...view.entities.map((entity) =>
        s("polygon", { "data-id": entity.id, class: classesOf(entity, by), points: points(entity.shape) }),
      ),
    );
  };

  /** A curve from the edge of the key to the edge of the value. */
  function curve(from, to) {
    const [ax0, ay0, ax1, ay1] = R.boxOf(from),
      [bx0, by0, bx1, by1] = R.boxOf(to);
    const across = Math.max(bx0 - ax1, ax0 - bx1);
    const down = Math.max(by0 - ay1, ay0 - by1);
    if (across > down) {
      const [x, u] = ends([ax0, ax1], [bx0, bx1]);
      const [y, v] = [(ay0 + ay1) / 2, (by0 + by1) / 2];
      return `M${x} ${y}C${(x + u) / 2} ${y} ${(x + u) / 2} ${v} ${u} ${v}`;
    }
    const [y, v] = ends([ay0, ay1], [by0, by1]);
    const [x, u] = middles([ax0, ax1], [bx0, bx1]);
    return `M${x} ${y}C${x} ${(y + v) / 2} ${u} ${(y + v) / 2} ${u} ${v}`;
  }

  /** From where to where between two stretches; from the middle of the first where they overlap a little. */
  function ends([a0, a1], [b0, b1]) {
    const middle = (a0 + a1) / 2;
    return b0 + b1 > a0 + a1
      ? [a1 <= b0 ? a1 : middle, Math.max(a1, b0)]
      : [b1 <= a0 ? a0 : middle, Math.min(a0, b1)];
  }

  /** The middle of what two stretches have in common, or the middles of both. */
  function middles([a0, a1], [b0, b1]) {
    const [left, right] = [Math.max(a0, b0), Math.min(a1, b1)];
    return left < right ? [(left + right) / 2, (left + right) / 2] : [(a0 + a1) / 2, (b0 + b1) / 2];
  }

  /** Draw links: all of them faintly where `all` is set, those of `ids` strongly. */
  R.drawLinks = (canvas, view, ids, all) => {
    const drawn = view.links.filter((link) => all || ids.has(link.key) || ids.has(link.value));
    canvas.layers.links.replaceChildren(
      ...drawn.map((link) => {
        const strong = ids.has(link.key) || ids.has(link.value);
        const d = curve(view.there.get(link.key).shape, view.there.get(link.value).shape);
        return s(
          "g",
          { class: strong ? "link strong" : "link" },
          s("path", { class: "halo", d }),
          s("path", { class: "line", d, "marker-end": strong ? "url(#arrow)" : null }),
        );
      }),
    );
  };

  /** Mark boxes: `marks` is class -> ids. */
  R.markBoxes = (canvas, marks) => {
    for (const box of canvas.layers.boxes.children) {
      const id = R.entityId(box.dataset.id);
      for (const [name, ids] of Object.entries(marks)) box.classList.toggle(name, ids.has(id));
    }
  };

  /** What a box most likely holds: the lines whose middle lies in it, in their order. */
  R.textIn = (view, [x0, y0, x1, y1]) => {
    const middle = (shape) => {
      const [a, b, c, d] = R.boxOf(shape);
      return [(a + c) / 2, (b + d) / 2];
    };
    const lines = view.lines.filter((line) => {
      const [x, y] = middle(line.shape);
      return x >= x0 && x <= x1 && y >= y0 && y <= y1;
    });
    return lines.map((line) => line.text).join(" ");
  };

  /** The mode in which a box is drawn or moved, by pointer or by keys; `finish(box)` gets it, or null. */
  R.BoxMode = class {
    constructor(canvas, view, box, finish) {
      Object.assign(this, { canvas, view, finish });
      this.box = box;
      this.rect = s("rect", { class: "drawing" });
      canvas.layers.top.replaceChildren(this.rect);
      canvas.drawing = true;
      canvas.svg.classList.add("is-drawing");
      this.show();
    }

    show(box = this.box) {
      this.box = box;
      const [x0, y0, x1, y1] = box;
      for (const [name, value] of Object.entries({ x: x0, y: y0, width: x1 - x0, height: y1 - y0 }))
        this.rect.setAttribute(name, value);
      this.canvas.reveal(box);
    }

    end(box) {
      this.canvas.drawing = false;
      this.canvas.svg.classList.remove("is-drawing");
      this.canvas.layers.top.replaceChildren();
      this.finish(box && box[2] - box[0] > 2 && box[3] - box[1] > 2 ? box : null);
    }

    /** Arrows move, with Shift they change the size, with Alt both go by single pixels. */
    key(event) {
      const { width, height } = this.canvas.size;
      const step = event.altKey ? 1 : Math.max(2, Math.round(Math.max(width, height) / 200));
      const [x, y] = {
        ArrowLeft: [-step, 0],
        ArrowRight: [step, 0],
        ArrowUp: [0, -step],
        ArrowDown: [0, step],
      }[event.key] || [0, 0];
      if (event.key === "Escape") this.end(null);
      else if (event.key === "Enter") this.end(this.box);
      else if (x || y) {
        const [x0, y0, x1, y1] = this.box;
        if (event.shiftKey)
          this.show([
            x0,
            y0,
            Math.min(width, Math.max(x0 + 4, x1 + x)),
            Math.min(height, Math.max(y0 + 4, y1 + y)),
          ]);
        else if (x0 + x >= 0 && y0 + y >= 0 && x1 + x <= width && y1 + y <= height)
          this.show([x0 + x, y0 + y, x1 + x, y1 + y]);
      } else return false;
      return true;
    }
  };
})(BeamKieReview);
