// The panel beside the face: bars, buttons, settings and the node's numbers.

import { ARKIT_NAMES } from "./avatar/names.js";

const SAMPLE = "playout.play";
// What a person at the robot wants to know first; the rest follows in the node's order.
const FIRST = ["latency_p50_ms", "latency_p99_ms", "frames_hz", "images_hz", "audio_hz"];

// What of an event is shown, with its unit, unless it is 0.
const EVENT_NUMBERS = [
  ["probability", "probable"], ["duration_s", "s"], ["cycles", "cycles"], ["depth_rad", "rad"],
  ["rate_hz", "Hz"],
];

// What the node says of a setting so soon after it was changed here may be older than that.
const TOUCHED_MS = 700;

export class Panel {
  #send;
  #bars = [];
  #inputs = new Map();
  #enabled = true;
  #touched = new Map();

  // send: takes a command {do, value}.
  constructor(send) {
    this.#send = send;
    element("enable").onclick = () => send({ do: "enable", value: !this.#enabled });
    element("reset").onclick = () => send({ do: "reset" });
    this.#makeBars();
  }

  // about: what /about.json gives: settings with their ranges, and the number of samples.
  build({ settings, samples }) {
    this.#inputs.clear();
    element("settings").replaceChildren();
    for (const setting of settings) {
      if (setting.name === SAMPLE) this.#makeSamples(setting, samples);
      else this.#makeSetting(setting);
    }
  }

  // robot, person: 58 numbers each.
  showFrame(robot, person) {
    for (const [index, bars] of this.#bars.entries()) {
      bars[0].style.transform = `scaleX(${clamped(robot[index])})`;
      bars[1].style.transform = `scaleX(${clamped(person[index])})`;
    }
  }

  // What the node told: any of stats, settings, enabled, events and reason.
  showNews({ stats, settings, enabled, events, reason }) {
    if (enabled !== undefined) {
      this.#enabled = enabled;
      element("enable").textContent = enabled ? "Stop listening" : "Listen";
    }
    if (reason !== undefined) element("reason").textContent = reason;
    if (reason) this.#touched.clear(); // a refused value goes back to what it was
    if (settings) for (const [name, value] of Object.entries(settings)) this.#showValue(name, value);
    if (stats) showNumbers(stats);
    if (events) showEvents(events);
  }

  showStatus(text) {
    element("status").textContent = text;
  }

  #makeBars() {
    const body = document.querySelector("#bars tbody");
    for (const name of ARKIT_NAMES) {
      const row = body.insertRow();
      row.append(Object.assign(document.createElement("th"), { textContent: name, scope: "row" }));
      this.#bars.push([0, 1].map(() => {
        const bar = document.createElement("b");
        const back = document.createElement("i");
        back.append(bar);
        row.insertCell().append(back);
        return bar;
      }));
    }
  }

  #makeSamples(setting, samples) {
    const select = element("sample");
    const numbers = Array.from({ length: samples }, (_, index) => index);
    select.replaceChildren(...numbers.map((number) => new Option(number, number)));
    select.onchange = () => this.#set(SAMPLE, Number(select.value));
    this.#inputs.set(SAMPLE, { input: select, show: (value) => choose(select, value) });
    this.#showValue(SAMPLE, setting.value);
  }

  #makeSetting(setting) {
    const label = document.createElement("label");
    label.title = setting.help;
    const shown = document.createElement("output");
    const made = control(setting, (value) => this.#set(setting.name, value), shown);
    label.append(setting.name.split(".").at(-1).replaceAll("_", " "), made.input, shown);
    element("settings").append(label);
    this.#inputs.set(setting.name, made);
    this.#showValue(setting.name, setting.value);
  }

  #set(name, value) {
    this.#touched.set(name, performance.now());
    element("reason").textContent = "";
    this.#send({ do: "set", value: { [name]: value } });
  }

  #showValue(name, value) {
    const made = this.#inputs.get(name);
    const recent = performance.now() - (this.#touched.get(name) ?? -Infinity) < TOUCHED_MS;
    const typing = made?.input.type === "text" && document.activeElement === made.input;
    if (made && !recent && !typing) made.show(value);
  }
}

// The control that fits a setting, and how to show a value in it.
function control(setting, set, shown) {
  if (setting.choices.length) {
    const input = document.createElement("select");
    input.replaceChildren(...setting.choices.map((choice) => new Option(choice, choice)));
    input.onchange = () => set(input.value);
    return { input, show: (value) => choose(input, value) };
  }
  const input = document.createElement("input");
  if (typeof setting.value === "boolean") {
    input.type = "checkbox";
    input.onchange = () => set(input.checked);
    return { input, show: (value) => { input.checked = value; } };
  }
  if (typeof setting.value === "string") {
    input.onchange = () => set(input.value);
    return { input, show: (value) => { input.value = value; } };
  }
  const [low, high] = [setting.low, setting.high];
  // A power of ten, so that it can be put back on a round number.
  const step = 10 ** Math.floor(Math.log10((high - low) / 100));
  Object.assign(input, { type: "range", min: low, max: high, step });
  input.oninput = () => { shown.textContent = round(input.value); set(Number(input.value)); };
  return { input, show: (value) => { input.value = value; shown.textContent = round(value); } };
}

// Not touched where it is right already: somebody may be looking at the open list.
function choose(select, value) {
  if (select.value !== String(value)) select.value = value;
}

function showNumbers(stats) {
  const known = FIRST.filter((name) => name in stats);
  const names = [...known, ...Object.keys(stats).filter((name) => !known.includes(name))];
  element("numbers").replaceChildren(...names.flatMap((name) => [
    Object.assign(document.createElement("dt"), { textContent: name.replaceAll("_", " ") }),
    Object.assign(document.createElement("dd"), { textContent: round(stats[name]) }),
  ]));
}

// events: the newest last; the list begins with the newest.
function showEvents(events) {
  element("events").replaceChildren(...[...events].reverse().map((event) => {
    const text = EVENT_NUMBERS.filter(([name]) => event[name]).map(
      ([name, unit]) => `, ${round(event[name])} ${unit}`);
    const phase = event.phase === "once" ? "" : ` ${event.phase}`;
    const kind = event.kind.replaceAll("_", " ");
    return Object.assign(document.createElement("li"), {
      className: event.who, textContent: `${kind}${phase}${text.join("")}`,
    });
  }));
}

// null: what the node has no number for.
function round(value) {
  return value === null ? "-" : String(Math.round(Number(value) * 100) / 100);
}

function clamped(value) {
  return Math.min(Math.max(value, 0), 1) || 0;
}

function element(id) {
  return document.getElementById(id);
}
