// What every part of the face draws with: weights by name, a layer's parallax, paints.
// Mirrors render/brush.py. A "canvas" here is a CanvasRenderingContext2D; a paint is
// {style, width?, join?}, null where it would leave no trace.

import { ARKIT_NAMES } from "./names.js";
import { Pose } from "./pose.js";

export const UNITS_PER_METRE = 3300; // the face is about 0.23 m and 760 units high
export const LARGEST_TURN = Math.PI / 4;
export const LARGEST_SHIFT_M = 0.25;
export const NECK = 330; // the head turns about this point below its middle
export const NUM_COEFFICIENTS = ARKIT_NAMES.length + 6;
const FAR = 2000; // units from any part of the face beyond which nothing of it is clipped

function clip(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

// 58 coefficients, cleaned: weights by name in 0..1, angles and shift within reason.
export class Controls {
  constructor(coefficients) {
    if (coefficients.length !== NUM_COEFFICIENTS) {
      throw new RangeError(
        `a face has ${NUM_COEFFICIENTS} coefficients, not ${coefficients.length}`);
    }
    const clean = Array.from(coefficients, (value) => Number.isFinite(value) ? value : 0);
    ARKIT_NAMES.forEach((name, index) => { this[name] = clip(clean[index], 0, 1); });
    const rest = clean.slice(ARKIT_NAMES.length);
    this.turn = rest.slice(0, 3).map((angle) => clip(angle, -LARGEST_TURN, LARGEST_TURN));
    this.shift = rest.slice(3).map((way) => clip(way, -LARGEST_SHIFT_M, LARGEST_SHIFT_M));
  }

  // Mean of a left and a right weight.
  both(stem) {
    return (this[stem + "Left"] + this[stem + "Right"]) / 2;
  }
}

// One half of the face; the subject's left is on the image's right.
class Half {
  constructor(name, sign) {
    this.name = name;
    this.sign = sign;
  }

  weight(controls, stem) {
    return controls[stem + this.name];
  }
}

export const HALVES = [new Half("Right", -1), new Half("Left", 1)];

export function mix(a, b, share) {
  return a + (b - a) * share;
}

// A theme has some 25 colours, each drawn with at most 256 alphas: all of them are kept, because
// text for a colour costs more than its stroke.
const known = new Map();

function shadesOf(text) {
  let shades = known.get(text);
  if (!shades) {
    const channels = [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));
    shades = { channels, styles: new Array(256) };
    known.set(text, shades);
  }
  return shades;
}

function byteOf(alpha) {
  return Math.round(255 * clip(alpha, 0, 1));
}

// "#rrggbb" -> a style with as many steps of alpha as skia's colours have.
export function colour(text, alpha = 1) {
  const { channels, styles } = shadesOf(text);
  const byte = byteOf(alpha);
  return styles[byte] ??= `rgba(${channels.join(",")},${byte / 255})`;
}

// The first colour with a share of the other, as "#rrggbb".
export function blend(text, other, share) {
  const others = shadesOf(other).channels;
  const mixed = shadesOf(text).channels.map((a, i) => Math.round(mix(a, others[i], share)));
  return "#" + mixed.map((value) => value.toString(16).padStart(2, "0")).join("");
}

// A flat paint.
export function fill(text, alpha = 1) {
  return byteOf(alpha) ? { style: colour(text, alpha) } : null;
}

export function stroke(text, width, alpha = 1) {
  return byteOf(alpha) ? { style: colour(text, alpha), width, join: "round" } : null;
}

function withStops(gradient, stops, at) {
  stops.forEach(([text, alpha], index) => {
    gradient.addColorStop(at ? at[index] : index / (stops.length - 1), colour(text, alpha));
  });
  return { style: gradient };
}

// A radial gradient through [colour, alpha] stops.
export function radial(canvas, x, y, radius, stops, at) {
  return withStops(canvas.createRadialGradient(x, y, 0, x, y, radius), stops, at);
}

// A vertical gradient through [colour, alpha] stops.
export function linear(canvas, top, bottom, stops) {
  return withStops(canvas.createLinearGradient(0, top, 0, bottom), stops);
}

// A horizontal gradient through [colour, alpha] stops.
export function across(canvas, left, right, stops) {
  return withStops(canvas.createLinearGradient(left, 0, right, 0), stops);
}

// An ellipse by its middle and its two radii.
export function oval(x, y, wide, high) {
  const path = new Path2D();
  path.ellipse(x, y, wide, high, 0, 0, 2 * Math.PI);
  return path;
}

export function circle(x, y, radius) {
  return oval(x, y, radius, radius);
}

// A rectangle by its middle and half its sides, its corners rounded.
export function rounded(x, y, wide, high, radius) {
  const path = new Path2D();
  path.roundRect(x - wide, y - high, 2 * wide, 2 * high, radius);
  return path;
}

export function drawPath(canvas, path, paint) {
  if (!paint) return;
  if (paint.width === undefined) {
    canvas.fillStyle = paint.style;
    canvas.fill(path);
    return;
  }
  canvas.strokeStyle = paint.style;
  canvas.lineWidth = paint.width;
  canvas.lineJoin = paint.join;
  canvas.lineCap = paint.join === "round" ? "round" : "butt";
  canvas.miterLimit = 4; // skia's own, where a path is stroked without round joins
  canvas.stroke(path);
}

// All that is not clipped away, up to `reach` units from (0, 0).
export function drawPaint(canvas, paint, reach = FAR) {
  canvas.fillStyle = paint.style;
  canvas.fillRect(-reach, -reach, 2 * reach, 2 * reach);
}

// Whatever is transformed or clipped before or in `draw` ends with it.
export function kept(canvas, draw) {
  canvas.save();
  try {
    draw();
  } finally {
    canvas.restore();
  }
}

// A soft ellipse that fades to nothing: what a blur would give, at a fraction of its cost.
export function glow(canvas, x, y, wide, high, text, alpha, at = [0, 0.5, 1]) {
  if (wide <= 0 || !byteOf(alpha)) return;
  canvas.save();
  canvas.translate(x, y);
  canvas.scale(1, high / wide);
  const stops = [[text, alpha], [text, alpha * 0.45], [text, 0]];
  drawPath(canvas, circle(0, 0, wide), radial(canvas, 0, 0, wide, stops, at));
  canvas.restore();
}

export function rotate(canvas, angle, x, y) {
  canvas.translate(x, y);
  canvas.rotate(angle);
  canvas.translate(-x, -y);
}

// One frame's canvas with theme and controls, in a space of 1000 units, y down.
export class Brush {
  constructor(canvas, theme, controls) {
    this.canvas = canvas;
    this.theme = theme;
    this.controls = controls;
    this.pose = new Pose(controls.turn[0], controls.turn[1]);
  }

  // Within `draw`, (0, 0) is that point of the face, `lift` units above its surface.
  at(x, y, lift, draw) {
    kept(this.canvas, () => {
      this.canvas.transform(...this.pose.surface(x, y, lift));
      draw();
    });
  }

  // As `closed`, for a silhouette whose points lie `depth(y)` before the axis.
  outline(depth, ...curves) {
    return closed(...curves.map((curve) => this.turned(depth, curve)));
  }

  // The points of a curve, moved with the head.
  turned(depth, curve) {
    const turned = [];
    for (let i = 0; i < curve.length; i += 2) {
      turned.push(...this.pose.outline(curve[i], curve[i + 1], depth(curve[i + 1])));
    }
    return turned;
  }

  // Tilt about the neck and translation of the whole head.
  head(draw) {
    const [left, up, near] = this.controls.shift;
    kept(this.canvas, () => {
      this.canvas.translate(UNITS_PER_METRE * left, -UNITS_PER_METRE * up);
      const zoom = 1 + 1.5 * near;
      this.canvas.scale(zoom, zoom);
      rotate(this.canvas, -this.controls.turn[2], 0, NECK);
      draw();
    });
  }

  // Inside the path only.
  clipped(path, draw) {
    kept(this.canvas, () => {
      this.canvas.clip(path);
      draw();
    });
  }
}

// A closed path: a start [x, y], then lines (2), quadratics (4) and cubics (6 numbers).
export function closed(...curves) {
  const path = openPath(...curves);
  path.closePath();
  return path;
}

// As `closed`, left open.
export function openPath(...curves) {
  const path = new Path2D();
  path.moveTo(...curves[0]);
  for (const curve of curves.slice(1)) {
    if (curve.length === 2) path.lineTo(...curve);
    else if (curve.length === 4) path.quadraticCurveTo(...curve);
    else path.bezierCurveTo(...curve);
  }
  return path;
}
