// The face below the features: outline, skin, cheeks, nose. Mirrors render/face.py.

import { HALVES, drawPath, glow, openPath, radial, stroke } from "./brush.js";
import { JAW_DROP } from "./lips.js";

const NOSE_Y = 62;
const CHEEK_Y = 128;
const BRIDGE_LIFT = 16;
const TIP_LIFT = 46;
const ALL_ON_FACE = 0.22; // radians up to which every feature lies within the outline
const TOP = -400;
const CHIN = 340;

// How far before the head's axis the face's outline lies: the chin most.
export function depthOfFace(y) {
  return Math.max(36 + 0.32 * y, 0);
}

// The face's outline, moved by the jaw and the cheeks.
export function facePath(brush) {
  const c = brush.controls, wide = brush.theme.jaw_width;
  const drop = JAW_DROP * 0.86 * c.jawOpen - 8 * c.mouthShrugLower + 10 * c.jawForward;
  const m = 44 * (c.jawLeft - c.jawRight);
  const puff = 34 * c.cheekPuff;
  const [right, left] = HALVES.map((half) => 6 * half.weight(c, "mouthSmile"));
  const chin = CHIN + drop, low = 306 + drop * 0.92;
  const x = 262 * wide, jaw = 70 * wide + 10 * c.jawForward;
  return brush.outline(
    depthOfFace,
    [0, TOP],
    [196, TOP, 292, -270, 288, -70],
    [287, 16, x + 20 + puff, 60, x + 6 + puff + left, 132],
    [x - 12 + puff, 232 + drop * 0.4, 160 * wide + m, low, jaw + m, chin - 8],
    [26 + m, chin + 6, -26 + m, chin + 6, -jaw + m, chin - 8],
    [-160 * wide + m, low, -x + 12 - puff, 232 + drop * 0.4, -x - 6 - puff - right, 132],
    [-x - 20 - puff, 60, -287, 16, -288, -70],
    [-292, -270, -196, TOP, 0, TOP],
  );
}

// What is drawn stays on the face. Only a turned head needs it, and clipping is slow.
export function clippedToFace(brush, draw) {
  if (Math.hypot(brush.pose.turn, brush.pose.nod) < ALL_ON_FACE) draw();
  else brush.clipped(facePath(brush), draw);
}

// The face with its soft light from above and shade towards the edge.
export function drawSkin(brush) {
  const { theme, canvas } = brush;
  const path = facePath(brush);
  // Light and shade in one gradient: each of these covers the whole face.
  const stops = [[theme.skin_light, 1], [theme.skin, 1], [theme.skin, 1], [theme.skin_shade, 1]];
  const [dx, dy] = brush.pose.shift(120);
  const light = radial(canvas, 0.6 * dx, -70 + 0.6 * dy, 500, stops, [0, 0.46, 0.60, 1]);
  drawPath(canvas, path, light);
  drawPath(canvas, path, stroke(theme.skin_shade, 5, 0.35));
  if (!theme.relief) return;
  brush.clipped(path, () => {
    for (const half of HALVES) {
      brush.at(236 * half.sign, 96, 0, () => {
        glow(canvas, 0, 0, 100, 210, theme.skin_shade, 0.55 * theme.relief);
      });
    }
  });
}

// Blush and lift with a smile or a squint, roundness when puffed, folds beside the mouth.
export function drawCheeks(brush) {
  const draw = () => HALVES.forEach((half) => drawCheek(brush, half));
  if (brush.theme.glows) draw();
  else clippedToFace(brush, draw);
}

function drawCheek(brush, half) {
  const { theme, canvas, controls: c } = brush;
  const lift = Math.max(half.weight(c, "cheekSquint"), 0.6 * half.weight(c, "mouthSmile"));
  brush.at(178 * half.sign, CHEEK_Y, 0, () => {
    const blush = (0.30 + 0.30 * lift) * (1 - 0.35 * theme.relief);
    glow(canvas, 0, -24 * lift, 96 + 16 * lift, 80 + 10 * lift, theme.blush, blush);
    if (lift > 0.02 && !theme.glows) {
      glow(canvas, -6 * half.sign, -40 * lift, 72, 44, theme.skin_light, 0.5 * lift);
    }
  });
  if (c.cheekPuff > 0) drawPuff(brush, half);
  drawFold(brush, half);
}

function drawPuff(brush, half) {
  const puff = brush.controls.cheekPuff, s = half.sign;
  brush.at(196 * s, 180, 20 * puff, () => {
    glow(brush.canvas, 4 * s, -6, 112, 104, brush.theme.skin_light, 0.8 * puff);
    const rim = openPath([-62 * s, -40], [-86 * s, 10, -50 * s, 62]);
    drawPath(brush.canvas, rim, stroke(brush.theme.line, 5, 0.22 * puff));
  });
}

function drawFold(brush, half) {
  const c = brush.controls, s = half.sign;
  const smile = half.weight(c, "mouthSmile");
  const strength = Math.max(
    0.9 * smile ** 1.5, 0.85 * half.weight(c, "noseSneer"), 0.7 * half.weight(c, "mouthUpperUp"),
    0.5 * half.weight(c, "mouthDimple"), 0.5 * half.weight(c, "mouthStretch"),
    0.22 * brush.theme.relief,
  );
  if (strength < 0.04) return;
  brush.at(110 * s, 130, 0, () => {
    const low = 62 - 22 * smile;
    const fold = openPath([-40 * s, -26], [14 * s, -18, (40 + 14 * smile) * s, 14,
                          (38 + 22 * smile) * s, low]);
    const ink = stroke(brush.theme.line, 6, (0.24 + 0.12 * brush.theme.relief) * strength);
    drawPath(brush.canvas, fold, ink);
  });
}

// Bridge, then the tip further out; a sneer lifts the wings and folds the bridge.
export function drawNose(brush) {
  const { theme, canvas } = brush;
  brush.at(0, -20, BRIDGE_LIFT, () => drawBridge(brush));
  brush.at(0, NOSE_Y, TIP_LIFT, () => {
    canvas.scale(theme.nose_size, theme.nose_size);
    if (!theme.glows) {
      glow(canvas, 0, 40, 84, 30, theme.skin_shade, 0.85);
      glow(canvas, 0, 12, 66, 46, theme.skin, 0.9, [0, 0.7, 1]);
      glow(canvas, -4, -2, 34, 28, theme.skin_light, 1);
    }
    for (const half of HALVES) drawWing(brush, half);
  });
}

function drawBridge(brush) {
  const { theme, canvas, controls: c } = brush;
  if (!theme.glows) {
    glow(canvas, 0, 10, 26, 92, theme.skin_light, 0.4 + 0.4 * theme.relief);
  }
  for (const half of HALVES) {
    const s = half.sign, sneer = half.weight(c, "noseSneer");
    if (theme.relief) {
      glow(canvas, 42 * s, -8, 26, 84, theme.skin_shade, 0.35 * theme.relief);
    }
    for (let row = 0; row < 3; row++) {
      const y = -8 + 20 * row;
      const wrinkle = openPath([14 * s, y + 6], [30 * s, y + 4, 44 * s, y - 12]);
      drawPath(canvas, wrinkle, stroke(theme.line, 5, 0.5 * sneer));
    }
  }
}

function drawWing(brush, half) {
  const { theme, canvas } = brush, s = half.sign;
  const up = 18 * half.weight(brush.controls, "noseSneer");
  const wide = 1 + 0.12 * half.weight(brush.controls, "noseSneer");
  const wing = openPath([50 * s * wide, 2 - up], [68 * s * wide, 12 - up, 62 * s * wide, 40 - up,
                        38 * s, 36 - up]);
  drawPath(canvas, wing, stroke(theme.line, 6, 0.40 + 0.1 * theme.relief));
  const nostril = openPath([42 * s, 36 - up], [26 * s, 22 - 0.8 * up, 14 * s, 40 - 0.4 * up]);
  drawPath(canvas, nostril, stroke(theme.line, 8, 0.50 + 0.15 * theme.relief));
  const tip = openPath([14 * s, 40 - 0.4 * up], [7 * s, 45, 0, 45]);
  drawPath(canvas, tip, stroke(theme.line, 5, 0.25));
}
