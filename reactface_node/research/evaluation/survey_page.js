"use strict";
const QUESTIONS = {
  realism: "In which version does the listener look and move more like a real person?",
  diversity: "In which version are the listener's reactions more varied?",
  appropriateness: "In which version do the reactions fit better what the speaker says and shows?",
  synchrony: "In which version are the reactions better timed to the speaker?",
};
const FURTHEST_APART_S = 0.08;
const $ = (id) => document.getElementById(id);
const survey = JSON.parse($("survey").textContent);
const slot = "survey-" + survey.survey;
let state = load();
let order = [];
let videos = [];

function load() {
  try { return JSON.parse(localStorage.getItem(slot)); } catch { return null; }
}
function save() {
  try { localStorage.setItem(slot, JSON.stringify(state)); } catch {
    $("who").textContent = "This browser keeps no answers: do not reload or close the page.";
  }
}

// Numbers in [0, 1) that depend on the text alone: FNV-1a, then a xorshift generator.
function randomFrom(text) {
  let bits = 2166136261;
  for (const code of new TextEncoder().encode(text)) bits = Math.imul(bits ^ code, 16777619);
  bits = bits || 1;
  const next = () => {
    bits ^= bits << 13; bits ^= bits >>> 17; bits ^= bits << 5;
    return (bits >>> 0) / 4294967296;
  };
  for (let i = 0; i < 16; i++) next();
  return next;
}
// In a block of two, one pair is shown the other way round: each method is A as often as B.
function arrange(participant) {
  const random = randomFrom(survey.survey + "/" + participant);
  const pairs = survey.blocks.flatMap((block) => {
    const swapFirst = random() < 0.5;
    return block.map((pair, i) => ({ ...pair, a: swapFirst === (i === 0) ? "y" : "x" }));
  });
  for (let i = pairs.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [pairs[i], pairs[j]] = [pairs[j], pairs[i]];
  }
  return pairs;
}

function show(name) {
  for (const id of ["welcome", "compare", "done"]) $(id).hidden = id !== name;
  videos.forEach((video) => video.pause());
  scrollTo(0, 0);
}
function proceed() {
  if (!state) return showWelcome();
  order = arrange(state.participant);
  return state.index < order.length ? showPair() : showDone();
}
function showWelcome() {
  show("welcome");
  $("count").textContent = survey.blocks.flat().length;
  const bytes = crypto.getRandomValues(new Uint8Array(4));
  $("participant").value = "p-" + Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  $("agree").checked = false;
}
$("begin").addEventListener("submit", (event) => {
  event.preventDefault();
  const participant = $("participant").value.trim();
  const good = /^[A-Za-z0-9_-]+$/.test(participant);
  $("begin-wrong").textContent = !good ? "Please put in a number of letters, digits, - and _."
    : $("agree").checked ? "" : "Please tick the box if you agree to take part.";
  if ($("begin-wrong").textContent) return (good ? $("agree") : $("participant")).focus();
  state = { participant, index: 0, answers: {}, watched: {} };
  save();
  proceed();
});

function showPair() {
  const pair = order[state.index];
  show("compare");
  $("where").textContent = `Comparison ${state.index + 1} of ${order.length}`;
  $("who").textContent = "Participant " + state.participant;
  $("progress").max = order.length;
  $("progress").value = state.index;
  $("back").disabled = state.index === 0;
  $("wrong").textContent = $("video-wrong").textContent = "";
  const other = pair.a === "x" ? "y" : "x";
  videos = [...fill("A", pair[pair.a]), ...fill("B", pair[other])];
  videos[0].muted = false;  // the speaker's voice is the same in all
  $("time").value = 0;
  $("asked").replaceChildren(...Object.entries(QUESTIONS).map(ask));
  label();
  $("where").focus({ preventScroll: true });
}
function fill(side, files) {
  const made = files.map((file, i) => {
    const video = document.createElement("video");
    Object.assign(video, { src: file, muted: true, preload: "auto", playsInline: true });
    video.setAttribute("aria-label", `Version ${side}` + (files.length > 1 ? `, ${i + 1}` : ""));
    video.addEventListener("ended", ended);
    video.addEventListener("error", () => {
      $("video-wrong").textContent = "A video cannot be played. Try to reload the page; " +
        "your answers are kept. If that does not help, tell the person who invited you.";
    });
    return video;
  });
  $(side).className = made.length > 1 ? "videos grid" : "videos";
  $(side).replaceChildren(...made);
  return made;
}
function ask([name, text]) {
  const chosen = (state.answers[order[state.index].id] || {})[name];
  const set = document.createElement("fieldset");
  set.innerHTML = `<legend>${text}</legend><div class="choices">` + ["A", "B"].map((side) =>
    `<label class="choice"><input type="radio" name="${name}" value="${side}"
      ${chosen === side ? "checked" : ""}><span>${side}</span></label>`).join("") + "</div>";
  set.addEventListener("change", (event) => {
    const id = order[state.index].id;
    state.answers[id] = { ...state.answers[id], [name]: event.target.value };
    set.classList.remove("missing");
    save();
  });
  return set;
}

const playing = () => videos.some((video) => !video.paused && !video.ended);
const longest = () => videos.reduce((a, b) => (b.duration > a.duration ? b : a));
function label() {
  const over = videos.every((video) => video.ended);
  $("play").textContent = playing() ? "Pause" : over ? "Play again" : "Play both";
}
$("play").addEventListener("click", async () => {
  if (playing()) {
    videos.forEach((video) => video.pause());
    return label();
  }
  const from = videos.every((video) => video.ended) ? 0 : longest().currentTime;
  for (const video of videos) if (from < video.duration) video.currentTime = from;
  const unfinished = videos.filter((video) => !(from >= video.duration));
  await Promise.allSettled(unfinished.map((video) => video.play()));
  label();
});
function ended() {
  if (!videos.every((video) => video.ended)) return;
  state.watched[order[state.index].id] = true;
  $("time").value = 1;
  $("wrong").textContent = "";
  save();
  label();
}
setInterval(() => {
  if (!playing()) return;
  const lead = longest();
  $("time").value = lead.currentTime / lead.duration || 0;
  for (const video of videos) {
    const apart = Math.abs(video.currentTime - lead.currentTime);
    const known = video.duration > 0;  // not before its metadata are loaded
    if (known && !video.ended && !video.seeking && apart > FURTHEST_APART_S) {
      video.currentTime = Math.min(lead.currentTime, video.duration);
    }
  }
}, 250);

$("questions").addEventListener("submit", (event) => {
  event.preventDefault();
  const id = order[state.index].id;
  const missing = Object.keys(QUESTIONS).filter((name) => !(state.answers[id] || {})[name]);
  for (const set of $("asked").children) {
    set.classList.toggle("missing", missing.includes(set.querySelector("input").name));
  }
  $("wrong").textContent = !state.watched[id] ? "Please watch both versions to the end once."
    : missing.length ? `Please choose A or B in all four (${missing.length} to go).` : "";
  if (!state.watched[id]) return $("play").focus();
  if (missing.length) return $("asked").querySelector(".missing input").focus();
  state.index += 1;
  save();
  proceed();
});
function stepBack() {
  state.index -= 1;
  save();
  proceed();
}
$("back").addEventListener("click", stepBack);
$("review").addEventListener("click", stepBack);

function showDone() {
  show("done");
  const { participant, answers } = state;
  const pairs = order.map(({ id, a }) => ({ pair: id, a, ...answers[id] }));
  $("answers").value = JSON.stringify({ survey: survey.survey, participant, pairs }, null, 1);
  $("copied").textContent = "";
  $("done").querySelector("h1").focus();
}
$("download").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([$("answers").value], { type: "application/json" }));
  link.download = `answers_${state.participant}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
});
$("copy").addEventListener("click", async () => {
  $("answers").select();
  try {
    await navigator.clipboard.writeText($("answers").value);
    $("copied").textContent = "Copied.";
  } catch { $("copied").textContent = "Selected: press Ctrl+C."; }
});
$("another").addEventListener("click", () => {
  if (!confirm("Have you handed over the answers? They are removed from this browser.")) return;
  state = null;
  try { localStorage.removeItem(slot); } catch { /* nothing is kept there */ }
  proceed();
});
proceed();
