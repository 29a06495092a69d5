// The companion's hood: a shell around head and cheeks with round ears that listen.
// Mirrors render/shell.py.

import {
  HALVES, blend, circle, closed, drawPath, fill, glow, kept, openPath, oval, radial, rotate,
  stroke,
} from "./brush.js";
import { clippedToFace, drawSkin } from "./face.js";

// Depths of the shell's silhouette and of its front rim.
const EDGE = 24;
const RIM = 92;
const EAR_X = 322;
const EAR_Y = 6;
const EAR_HIGH = 96;

// The hood's inside, seen where the face turns away from it.
export function drawBehind(brush) {
  const dark = fill(blend(brush.theme.hair_shade, brush.theme.line, 0.25));
  for (const half of HALVES) {
    const s = half.sign;
    // The face always hides the middle.
    const inside = brush.outline(
      () => EDGE,
      [150 * s, -400], [300 * s, -370, 330 * s, -220, 326 * s, -60],
      [322 * s, 120, 300 * s, 230, 236 * s, 296], [180 * s, 250, 160 * s, 200, 150 * s, 160],
    );
    drawPath(brush.canvas, inside, dark);
  }
}

// The skin, and the shadow of the rim on it.
export function drawFace(brush) {
  drawSkin(brush);
  const { theme, canvas } = brush;
  const [dx, dy] = brush.pose.shift(RIM);
  glow(canvas, dx, -312 + dy, 236, 120, theme.line, 0.50);
  const rim = rimOf(brush);
  clippedToFace(brush, () => {
    for (const width of [64, 46, 28]) drawPath(canvas, rim, stroke(theme.line, width, 0.045));
  });
}

// The hood's edge on the face, from one cheek over the forehead to the other.
function rimOf(brush) {
  const curves = [[-224, 276], [-268, 206, -286, 76, -276, -34], [-268, -244, -170, -312, 0, -312],
                  [170, -312, 268, -244, 276, -34], [286, 76, 268, 206, 224, 276]];
  return openPath(...curves.map((curve) => brush.turned(() => RIM, curve)));
}

// The hood itself, a horseshoe that is open at the chin, and the ears on it.
export function drawOver(brush) {
  const { theme, canvas } = brush;
  const hood = hoodOf(brush);
  const [dx, dy] = brush.pose.shift(60);
  const stops = [[theme.hair_light, 1], [theme.hair, 1], [theme.hair, 1], [theme.hair_shade, 1]];
  drawPath(canvas, hood, radial(canvas, -70 + dx, -290 + dy, 640, stops, [0, 0.3, 0.55, 1]));
  drawPath(canvas, hood, stroke(blend(theme.hair_shade, theme.line, 0.2), 5, 0.5));
  drawSeam(brush);
  drawShine(brush);
  drawLamp(brush);
  for (const half of HALVES) drawEar(brush, half);
}

function hoodOf(brush) {
  const between = (EDGE + RIM) / 2;
  const half = [
    [[0, -462, EDGE]],
    [[236, -462, EDGE], [336, -310, EDGE], [334, -70, EDGE]],
    [[334, 120, EDGE], [312, 236, EDGE], [238, 306, between]],
    [[222, 320, RIM], [206, 306, RIM], [220, 284, RIM]],
    [[268, 210, RIM], [286, 80, RIM], [276, -40, RIM]],
    [[268, -250, RIM], [170, -318, RIM], [0, -318, RIM]],
  ];
  // The other half is the mirror, run back from the rim's middle to the top.
  const back = half.flat().map(([x, y, depth]) => [-x, y, depth]).reverse().slice(1);
  const curves = [...half];
  for (let i = 0; i < back.length; i += 3) curves.push(back.slice(i, i + 3));
  const place = (point) => brush.pose.outline(...point);
  return closed(...curves.map((curve) => curve.flatMap(place)));
}

// Where the front panel is set into the shell.
function drawSeam(brush) {
  const depth = (EDGE + RIM) / 2;
  const curves = [[-300, 150], [-312, 40, -308, -20, -304, -76], [-292, -300, -200, -402, 0, -402],
                  [200, -402, 292, -300, 304, -76], [308, -20, 312, 40, 300, 150]];
  const seam = openPath(...curves.map((curve) => brush.turned(() => depth, curve)));
  drawPath(brush.canvas, seam, stroke(brush.theme.hair_light, 7, 0.9));
  drawPath(brush.canvas, seam, stroke(brush.theme.hair_shade, 3, 0.75));
}

function drawShine(brush) {
  const [dx, dy] = brush.pose.shift(50);
  const canvas = brush.canvas, light = brush.theme.hair_light;
  kept(canvas, () => {
    canvas.translate(dx, dy);
    rotate(canvas, -24 * Math.PI / 180, -170, -350);
    glow(canvas, -170, -350, 120, 34, light, 0.95);
  });
}

// A small light over the forehead.
function drawLamp(brush) {
  const { theme, canvas } = brush;
  const [x, y] = brush.pose.outline(0, -362, RIM);
  glow(canvas, x, y, 44, 58, theme.accent, 0.5);
  drawPath(canvas, oval(x, y, 15, 20), fill(theme.hair_shade));
  drawPath(canvas, oval(x, y, 11, 15), fill(theme.accent));
  drawPath(canvas, circle(x - 3, y - 5, 4), fill("#ffffff", 0.8));
}

// A round cup; turning the head shows more of one and less of the other.
function drawEar(brush, half) {
  const { theme, canvas } = brush, s = half.sign;
  const facing = -s * Math.sin(brush.pose.turn);
  const wide = Math.max(34 + 62 * facing, 10);
  const [edge, y] = brush.pose.outline(EAR_X * s, EAR_Y, -10);
  const x = edge + s * (6 - 0.2 * wide) - s * Math.max(0, 60 * facing);
  drawPath(canvas, oval(x + 2 * s, y + 6, wide + 6, EAR_HIGH + 6), fill(theme.line, 0.12));
  const body = [[theme.hair_light, 1], [theme.hair, 1], [theme.hair_shade, 1]];
  const cup = oval(x, y, wide, EAR_HIGH);
  drawPath(canvas, cup, radial(canvas, x - 10, y - 44, 190, body, [0, 0.45, 1]));
  drawPath(canvas, cup, stroke(theme.line, 3, 0.18));
  const face = x + s * 5;
  drawPath(canvas, oval(face, y, wide * 0.70, EAR_HIGH * 0.70), fill(theme.accent));
  const middle = oval(face, y, wide * 0.46, EAR_HIGH * 0.46);
  drawPath(canvas, middle, fill(theme.hair));
  drawPath(canvas, middle, stroke(theme.line, 3, 0.15));
}
