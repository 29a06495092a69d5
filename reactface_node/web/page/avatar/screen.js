// A robot whose face is a display: features of light behind dark glass.
// Mirrors render/screen.py.

import {
  HALVES, closed, drawPath, fill, glow, linear, openPath, radial, rounded, stroke,
} from "./brush.js";
import { JAW_DROP } from "./lips.js";

// Depths of the housing's silhouette and of the display.
const EDGE = 30;
const GLASS = 130;
const WIDE = 326;
const HIGH = -372;
const LOW = 396;

// A rounded square that is a little wider at its middle.
function roundedSquare(brush, x, top, bottom, depth) {
  const mid = (top + bottom) / 2, roundX = 0.62 * x, roundY = 0.30 * (bottom - top);
  return brush.outline(
    () => depth,
    [0, top], [roundX, top, x - 6, top + 6, x, mid - roundY * 0.2],
    [x - 2, bottom - 6, roundX, bottom, 0, bottom],
    [-roundX, bottom, -x + 2, bottom - 6, -x, mid - roundY * 0.2],
    [-x + 6, top + 6, -roundX, top, 0, top],
  );
}

// Antennae and the housing.
export function drawBehind(brush) {
  const { theme, canvas } = brush;
  for (const half of HALVES) {
    const s = half.sign;
    const [x, y] = brush.pose.outline((WIDE + 22) * s, 0, -20);
    const pod = rounded(x, y, 34, 92, 30);
    drawPath(canvas, pod, fill(theme.hair_shade));
    drawPath(canvas, pod, stroke(theme.hair_light, 4, 0.35));
    glow(canvas, x + 16 * s, y, 56, 110, theme.accent, 0.45);
    drawPath(canvas, rounded(x + 14 * s, y, 7, 52, 7), fill(theme.accent));
  }
  const housing = roundedSquare(brush, WIDE + 30, HIGH - 50, LOW + 44, EDGE);
  const [dx, dy] = brush.pose.shift(60);
  const stops = [[theme.hair_light, 1], [theme.hair, 1], [theme.hair_shade, 1]];
  drawPath(canvas, housing, radial(canvas, -90 + dx, -330 + dy, 800, stops, [0, 0.35, 1]));
  drawPath(canvas, housing, stroke(theme.hair_light, 4, 0.30));
}

// The glass with a faint light behind it; the jaw shows as a line that moves.
export function drawFace(brush) {
  const { theme, canvas } = brush;
  const glass = roundedSquare(brush, WIDE - 16, HIGH, LOW, GLASS);
  const [dx, dy] = brush.pose.shift(GLASS);
  const stops = [[theme.skin_light, 1], [theme.skin, 1], [theme.skin_shade, 1]];
  drawPath(canvas, glass, radial(canvas, dx, 20 + dy, 430, stops, [0, 0.7, 1]));
  drawPath(canvas, glass, stroke(theme.hair_shade, 12));
  drawPath(canvas, glass, stroke(theme.accent, 3, 0.35));
  brush.at(0, 320, 0, () => drawJaw(brush));
}

function drawJaw(brush) {
  const { theme, canvas, controls: c } = brush;
  const drop = 0.5 * JAW_DROP * c.jawOpen - 8 * c.mouthShrugLower;
  const m = 36 * (c.jawLeft - c.jawRight);
  const chin = openPath([m - 62, drop - 8], [m - 34, drop + 8, m + 34, drop + 8, m + 62, drop - 8]);
  drawPath(canvas, chin, stroke(theme.line, 6, 0.45));
  for (const half of HALVES) {
    const x = 214 * half.sign;
    const puff = openPath([x, -200], [x + 62 * half.sign, -140, x, -72]);
    drawPath(canvas, puff, stroke(theme.line, 7, 0.6 * c.cheekPuff));
  }
}

// A reflection on the glass, which stays where the light is.
export function drawOver(brush) {
  const canvas = brush.canvas;
  brush.clipped(roundedSquare(brush, WIDE - 22, HIGH + 6, LOW - 6, GLASS), () => {
    const streak = closed([-340, -160], [-60, -400], [80, -400], [-340, -30]);
    drawPath(canvas, streak, linear(canvas, -400, 60, [["#ffffff", 0.10], ["#ffffff", 0.02]]));
  });
}
