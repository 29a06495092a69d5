// The avatar in a browser: plays the program that render/program.py records of a theme, so that
// the same 58 coefficients give the same face as in Python.

import { Program } from "./program.js";

// Draws faces of one theme on a canvas, whose size may change between two of them.
export class Avatar {
  #element;
  #canvas;
  #program;
  #still = null;

  // canvas: an HTMLCanvasElement or OffscreenCanvas; program: the parsed JSON of a theme.
  constructor(canvas, program) {
    this.#element = canvas;
    // Nothing shines through: the still background covers all of it.
    this.#canvas = canvas.getContext("2d", { alpha: false });
    this.#program = new Program(program);
    // A graphics driver that starts anew takes the background with it.
    canvas.addEventListener("contextrestored", () => { this.#still = null; });
  }

  // NaN and wild values are cleaned; RangeError for another number than 58.
  draw(coefficients) {
    const { width, height } = this.#element;
    this.#program.compute(coefficients, width, height);
    if (!width || !height) return; // a page that has not been laid out yet
    if (this.#still?.width !== width || this.#still.height !== height) {
      this.#still = this.#paintStill(width, height);
    }
    this.#canvas.drawImage(this.#still, 0, 0);
    this.#program.drawHead(this.#canvas);
  }

  // Drawn once: a gradient over the whole picture costs milliseconds.
  #paintStill(width, height) {
    const still = new OffscreenCanvas(width, height);
    this.#program.drawStill(still.getContext("2d", { alpha: false }));
    return still;
  }
}
