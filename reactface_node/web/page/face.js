// The robot's face on the whole canvas, in a theme, or at rest.

import { Avatar } from "./avatar/avatar.js";

// Without frames the face comes to rest instead of staying in the midst of a smile.
const REST_SHARE = 0.12; // of what is left, at each of the display's frames
const RESTS = 1e-3;

export class Face {
  #canvas;
  #avatars = new Map();
  #avatar = null;
  #wanted = null;
  #shown = new Float32Array(58);
  #due = false;
  #resting = false;
  #shownMs = [];

  // canvas: an HTMLCanvasElement that the page lays out.
  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.#resize()).observe(canvas);
  }

  // A theme by its name; what cannot be had is asked for again the next time.
  async setTheme(name) {
    if (name === this.#wanted) return;
    this.#wanted = name;
    try {
      if (!this.#avatars.has(name)) this.#avatars.set(name, await this.#make(name));
    } catch {
      if (name === this.#wanted) this.#wanted = null;
      return;
    }
    if (name !== this.#wanted) return; // another was asked for meanwhile
    this.#avatar = this.#avatars.get(name);
    this.#draw();
  }

  // coefficients: 58 numbers.
  show(coefficients) {
    this.#resting = false;
    this.#shown = coefficients;
    this.#shownMs.push(performance.now());
    this.#draw();
  }

  // Eases to neutral until the next frame comes.
  rest() {
    if (this.#resting) return;
    this.#resting = true;
    const ease = () => {
      if (!this.#resting) return;
      const moves = this.#shown.some((value) => Math.abs(value) > RESTS);
      this.#shown = this.#shown.map((value) => (moves ? value * (1 - REST_SHARE) : 0));
      this.#avatar?.draw(this.#shown);
      if (moves) requestAnimationFrame(ease);
    };
    requestAnimationFrame(ease);
  }

  // How many came within the last second.
  framesPerSecond() {
    const since = performance.now() - 1000;
    this.#shownMs = this.#shownMs.filter((time) => time > since);
    return this.#shownMs.length;
  }

  async #make(name) {
    const answer = await fetch(`/theme/${encodeURIComponent(name)}.json`);
    if (!answer.ok) throw new Error(answer.statusText);
    return new Avatar(this.#canvas, await answer.json());
  }

  #draw() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#avatar?.draw(this.#shown);
    });
  }

  #resize() {
    const scale = Math.min(window.devicePixelRatio || 1, 2);
    const { width, height } = this.#canvas.getBoundingClientRect();
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    this.#avatar?.draw(this.#shown); // at once: a canvas that was resized is black
  }
}
