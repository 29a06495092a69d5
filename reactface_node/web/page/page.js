// The page: the robot's face on the whole window, and a panel to look behind it.

import { Face } from "./face.js";
import { Link } from "./link.js";
import { Panel } from "./panel.js";

const THEME = "render.theme";
const STILL_MS = 3000;
const STATUS_MS = 500;
const REST = new Float32Array(58);

function togglePanel() {
  const panel = document.getElementById("panel");
  panel.hidden = !panel.hidden;
  document.getElementById("toggle").setAttribute("aria-expanded", String(!panel.hidden));
}

function togglePanelByKey(event) {
  const other = event.ctrlKey || event.altKey || event.metaKey;
  const typing = /INPUT|SELECT/.test(event.target.tagName);
  if (event.key === "p" && !other && !typing) togglePanel();
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

// The node may have been started anew, with other settings.
async function learn(face, panel) {
  try {
    const answer = await fetch("/about.json");
    if (answer.status === 401) {
      document.getElementById("lost").textContent = "open the address that the robot has printed";
    }
    if (!answer.ok) return;
    const about = await answer.json();
    panel.build(about);
    face.setTheme(about.settings.find((setting) => setting.name === THEME).value);
  } catch {
    // The node has ended again; the link tells when it is back.
  }
}

function start() {
  const face = new Face(document.getElementById("face"));
  const panel = new Panel((command) => link.send(command));
  const open = () => !document.getElementById("panel").hidden;
  let latency = null, connected = false, state = "";
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const link = new Link(`${scheme}://${location.host}/face`, {
    frame: (robot, person) => {
      face.show(robot);
      if (open()) panel.showFrame(robot, person);
    },
    news: (news) => {
      if (news.stats) latency = news.stats.latency_p50_ms ?? null;
      if (news.state !== undefined) state = news.state === "reacting" ? "" : `; ${news.state}`;
      if (news.settings?.[THEME]) face.setTheme(news.settings[THEME]);
      panel.showNews(news);
    },
    state: (now) => {
      connected = now;
      document.getElementById("lost").hidden = now;
      if (!now) face.rest();
      learn(face, panel);
    },
  });
  document.getElementById("toggle").onclick = togglePanel;
  addEventListener("keydown", togglePanelByKey);
  if (new URLSearchParams(location.search).has("panel")) togglePanel();
  hideWhenStill();
  setInterval(() => {
    const rate = face.framesPerSecond();
    const late = latency === null || !rate ? "" : `, ${Math.round(latency)} ms after the person`;
    const text = `${rate} frames a second${late}${state}`;
    panel.showStatus(connected ? text : "no connection");
    if (rate) return;
    face.rest();
    panel.showFrame(REST, REST);
  }, STATUS_MS);
}

start();
