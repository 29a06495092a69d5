// A program of render/program.py: computes its numbers and does its steps on a
// CanvasRenderingContext2D. What the parts of a program mean stands there.

const OPERATIONS = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "<": (a, b) => (a < b ? 1 : 0),
  "<=": (a, b) => (a <= b ? 1 : 0),
  larger: (a, b) => (a > b ? a : b),
  smaller: (a, b) => (a < b ? a : b),
  power: (a, b) => a ** b,
  root: (a) => Math.sqrt(a),
  sine: (a) => Math.sin(a),
  cosine: (a) => Math.cos(a),
};
const FAR = 1e4; // units from any part of the face beyond which nothing of it is seen

export class Program {
  #low;
  #high;
  #row; // of numbers
  #formulas = [];
  #shapes;
  #paints;
  #still;
  #head;
  #paths = []; // made for the picture that is being drawn

  constructor({ low, high, values, colours, shapes, paints, still, head }) {
    const inputs = low.length + 2;
    this.#low = low;
    this.#high = high;
    this.#row = new Float64Array(inputs + values.length);
    values.forEach((value, index) => {
      const place = inputs + index;
      if (typeof value === "number") {
        this.#row[place] = value;
        return;
      }
      const [name, a, b] = value;
      if (!OPERATIONS[name]) throw new TypeError(`a program asks for ${name}`);
      this.#formulas.push({ place, operation: OPERATIONS[name], a, b: b ?? a });
    });
    this.#shapes = shapes;
    const shades = colours.map((text) => new Shades(text));
    this.#paints = paints.map((paint) => (
      { ...paint, stops: paint.stops.map(([colour, alpha]) => [shades[colour], alpha]) }));
    this.#still = still;
    this.#head = head;
  }

  // All numbers of a picture; NaN and wild coefficients are cleaned.
  compute(coefficients, width, height) {
    const row = this.#row, count = this.#low.length;
    if (coefficients.length !== count) {
      throw new RangeError(`a face has ${count} coefficients, not ${coefficients.length}`);
    }
    for (let i = 0; i < count; i++) {
      const clean = Number.isFinite(coefficients[i]) ? coefficients[i] : 0;
      row[i] = Math.min(Math.max(clean, this.#low[i]), this.#high[i]);
    }
    row[count] = width;
    row[count + 1] = height;
    for (const { place, operation, a, b } of this.#formulas) row[place] = operation(row[a], row[b]);
  }

  // What stands still, for the numbers that were computed.
  drawStill(canvas) {
    this.#play(canvas, this.#still);
  }

  // What moves, over what stands still.
  drawHead(canvas) {
    this.#play(canvas, this.#head);
  }

  #play(canvas, steps) {
    this.#paths = [];
    for (let i = 0; i < steps.length; i++) {
      const [name, ...places] = steps[i];
      if (name === "when") i += this.#row[places[0]] ? 0 : places[1];
      else if (name === "transform") canvas.transform(...this.#numbers(places));
      else if (name === "clip") canvas.clip(this.#path(places[0]));
      else if (name === "draw") this.#draw(canvas, places);
      else if (name === "cover") this.#cover(canvas, places[0]);
      else canvas[name](); // save and restore
    }
  }

  #draw(canvas, [shape, ...paints]) {
    for (const place of paints) {
      const paint = this.#paints[place];
      const style = this.#style(canvas, paint);
      if (!style) continue;
      if (paint.width === undefined) {
        canvas.fillStyle = style;
        canvas.fill(this.#path(shape));
        continue;
      }
      canvas.strokeStyle = style;
      canvas.lineWidth = this.#row[paint.width];
      canvas.lineJoin = paint.rounded ? "round" : "miter";
      canvas.lineCap = paint.rounded ? "round" : "butt";
      canvas.miterLimit = 4; // skia's own
      canvas.stroke(this.#path(shape));
    }
  }

  // All that is not clipped away.
  #cover(canvas, place) {
    canvas.fillStyle = this.#style(canvas, this.#paints[place]) ?? "transparent";
    canvas.fillRect(-FAR, -FAR, 2 * FAR, 2 * FAR);
  }

  // A colour or a gradient; null where it would leave no trace.
  #style(canvas, { stops, at, linear, radial }) {
    const row = this.#row;
    if (stops.every(([, alpha]) => byteOf(row[alpha]) === 0)) return null;
    const gradient = radial ? radialOf(canvas, this.#numbers(radial))
      : linear ? canvas.createLinearGradient(...this.#numbers(linear)) : null;
    if (!gradient) return stops[0][0].style(row[stops[0][1]]);
    stops.forEach(([shades, alpha], index) => {
      gradient.addColorStop(at?.[index] ?? index / (stops.length - 1), shades.style(row[alpha]));
    });
    return gradient;
  }

  #path(place) {
    return this.#paths[place] ??= this.#make(this.#shapes[place]);
  }

  #make([kind, ...about]) {
    const path = new Path2D();
    if (kind === "path") {
      const [closed, lines] = about;
      for (const line of lines) this.#trace(path, line);
      if (closed) path.closePath();
      return path;
    }
    const [x, y, wide, high, radius] = this.#numbers(about);
    if (kind === "oval") path.ellipse(x, y, wide, high, 0, 0, 2 * Math.PI);
    else path.roundRect(x - wide, y - high, 2 * wide, 2 * high, radius);
    return path;
  }

  #trace(path, [start, ...curves]) {
    path.moveTo(...this.#numbers(start));
    for (const curve of curves) {
      const points = this.#numbers(curve);
      if (points.length === 2) path.lineTo(...points);
      else if (points.length === 4) path.quadraticCurveTo(...points);
      else path.bezierCurveTo(...points);
    }
  }

  #numbers(places) {
    return places.map((place) => this.#row[place]);
  }
}

function radialOf(canvas, [x, y, radius]) {
  return canvas.createRadialGradient(x, y, 0, x, y, radius);
}

function byteOf(alpha) {
  return Math.round(255 * Math.min(Math.max(alpha, 0), 1));
}

// A colour with as many steps of alpha as skia has. All are kept: to make the text for a colour
// takes longer than its stroke.
class Shades {
  #channels;
  #styles = new Array(256);

  // text: "#rrggbb".
  constructor(text) {
    this.#channels = [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16)).join(",");
  }

  style(alpha) {
    const byte = byteOf(alpha);
    return this.#styles[byte] ??= `rgba(${this.#channels},${byte / 255})`;
  }
}
