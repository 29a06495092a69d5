// The page: the robot's face on the whole window, and a panel to look behind it.

import { Avatar } from "./avatar/avatar.js";
import { Link } from "./link.js";
import { Panel } from "./panel.js";

const THEME = "render.theme";
const STILL_MS = 3000;
// Without a connection the face comes to rest instead of staying in the midst of a smile.
const REST_SHARE = 0.12;

class Face {
  #canvas = document.getElementById("face");
  #avatar = null;
  #themeName = null;
  #shown = new Float32Array(58);
  #due = false;
  #resting = false;
  // Times of the last second's frames, for the rate.
  drawn = [];

  constructor() {
    new ResizeObserver(() => this.#resize()).observe(this.#canvas);
  }

  async wear(name) {
    if (name === this.#themeName) return;
    this.#themeName = name;
    const answer = await fetch(`/theme/${encodeURIComponent(name)}.json`);
    if (!answer.ok || name !== this.#themeName) return;
    this.#avatar = new Avatar(this.#canvas, await answer.json());
    this.#draw();
  }

  show(coefficients) {
    this.#resting = false;
    this.#shown = coefficients;
    this.drawn.push(performance.now());
    this.#draw();
  }

  // Eases to neutral until the next frame comes.
  rest() {
    if (this.#resting) return;
    this.#resting = true;
    const ease = () => {
      if (!this.#resting || this.#shown.every((value) => Math.abs(value) < 1e-3)) return;
      this.#shown = this.#shown.map((value) => value * (1 - REST_SHARE));
      this.#draw();
      requestAnimationFrame(ease);
    };
    ease();
  }

  framesPerSecond() {
    const since = performance.now() - 1000;
    this.drawn = this.drawn.filter((time) => time > since);
    return this.drawn.length;
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

function togglePanel() {
  const panel = document.getElementById("panel");
  panel.hidden = !panel.hidden;
  document.getElementById("toggle").setAttribute("aria-expanded", String(!panel.hidden));
}

// The pointer and the button go away while nobody touches anything.
function hideWhenStill() {
  let timer = 0;
  const wake = () => {
    document.body.classList.remove("still");
    clearTimeout(timer);
    timer = setTimeout(() => document.body.classList.add("still"), STILL_MS);
  };
  for (const event of ["pointermove", "pointerdown", "keydown"]) addEventListener(event, wake);
  wake();
}

async function start() {
  const face = new Face();
  let latency = null;
  const panel = new Panel((command) => link.send(command));
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const link = new Link(`${scheme}://${location.host}/face`, {
    frame: (robot, person) => {
      face.show(robot);
      if (!document.getElementById("panel").hidden) panel.showFrame(robot, person);
    },
    news: (news) => {
      latency = news.stats?.latency_p50_ms ?? latency;
      if (news.settings) face.wear(news.settings[THEME]);
      panel.showNews(news);
    },
    state: async (connected) => {
      document.getElementById("lost").hidden = connected;
      if (!connected) face.rest();
      // The node may have been started anew, with other settings.
      else panel.build(await (await fetch("/about.json")).json());
    },
  });
  document.getElementById("toggle").onclick = togglePanel;
  addEventListener("keydown", (event) => {
    if (event.key === "p" && !/INPUT|SELECT/.test(event.target.tagName)) togglePanel();
  });
  if (new URLSearchParams(location.search).has("panel")) togglePanel();
  hideWhenStill();
  setInterval(() => {
    const late = latency === null ? "" : `, ${Math.round(latency)} ms after the person`;
    panel.showStatus(`${face.framesPerSecond()} frames a second${late}`);
  }, 500);
}

start();
