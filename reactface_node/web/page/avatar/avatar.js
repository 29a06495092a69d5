// The avatar of render/avatar.py in a browser: the same 58 coefficients give the same face.

import { drawBackground, drawBody } from "./body.js";
import { drawBrows } from "./brows.js";
import { Brush, Controls, kept } from "./brush.js";
import { drawEyes } from "./eyes.js";
import { drawCheeks, drawNose } from "./face.js";
import * as hair from "./hair.js";
import { drawMouth } from "./mouth.js";
import * as screen from "./screen.js";
import * as shell from "./shell.js";

const UNITS = 1000; // of the picture's shorter side
const CENTRE_Y = 26; // units that the face sits below the picture's middle
// Each draws what is around the features, by the theme's head.
const HEADS = { shell, hair, screen };

// Draws faces of one theme on a canvas, whose size may change between two of them.
export class Avatar {
  #element;
  #canvas;
  #theme;
  #head;
  #still = null;

  // canvas: an HTMLCanvasElement or OffscreenCanvas; theme: every field of theme.py's Theme.
  constructor(canvas, theme) {
    this.#element = canvas;
    // Nothing shines through: the still background covers all of it.
    this.#canvas = canvas.getContext("2d", { alpha: false });
    // Features are light on a display instead of skin.
    this.#theme = { ...theme, glows: theme.head === "screen" };
    this.#head = HEADS[theme.head];
    // A graphics driver that starts anew takes the background with it.
    canvas.addEventListener("contextrestored", () => { this.#still = null; });
  }

  // NaN and wild values are cleaned; RangeError for another number than 58.
  draw(coefficients) {
    const brush = new Brush(this.#canvas, this.#theme, new Controls(coefficients));
    const { width, height } = this.#element;
    if (!width || !height) return; // a page that has not been laid out yet
    if (this.#still?.width !== width || this.#still.height !== height) {
      this.#still = this.#paintStill(width, height);
    }
    kept(brush.canvas, () => {
      brush.canvas.setTransform(1, 0, 0, 1, 0, 0);
      brush.canvas.drawImage(this.#still, 0, 0);
      toUnits(brush.canvas, width, height);
      brush.head(() => this.#drawHead(brush));
    });
  }

  #drawHead(brush) {
    this.#head.drawBehind(brush);
    this.#head.drawFace(brush);
    drawCheeks(brush);
    drawMouth(brush);
    drawEyes(brush);
    drawNose(brush);
    drawBrows(brush);
    this.#head.drawOver(brush);
  }

  // Drawn once: a gradient over the whole picture costs milliseconds.
  #paintStill(width, height) {
    const still = new OffscreenCanvas(width, height);
    const canvas = still.getContext("2d", { alpha: false });
    toUnits(canvas, width, height);
    drawBackground(canvas, this.#theme, UNITS * 0.5 * Math.hypot(width, height)
      / Math.min(width, height));
    drawBody(canvas, this.#theme);
    return still;
  }
}

function toUnits(canvas, width, height) {
  canvas.translate(width / 2, height / 2);
  const scale = Math.min(width, height) / UNITS;
  canvas.scale(scale, scale);
  canvas.translate(0, CENTRE_Y);
}
