// A person's ears and short hair. Mirrors render/hair.py.

import {
  HALVES, drawPath, fill, glow, linear, mix, openPath, oval, stroke,
} from "./brush.js";
import { drawSkin, facePath } from "./face.js";

// Depths of the hair's silhouette and of the hairline.
const BACK = -10;
const FRONT = 78;
// The sideburns lie on the side of the skull, which a turn moves less: [y, depth] downwards.
const FRINGE_DEPTHS = [[-420, 20], [-400, FRONT], [-250, FRONT], [-70, 12]];

// Ears, and the hair on the sides of the skull.
export function drawBehind(brush) {
  for (const half of HALVES) drawEar(brush, half);
  const back = brush.outline(
    () => BACK,
    [-284, 0], [-330, -120, -340, -462, 0, -470], [340, -462, 330, -120, 284, 0],
  );
  drawPath(brush.canvas, back, fill(brush.theme.hair_shade));
}

function drawEar(brush, half) {
  const { theme, canvas } = brush, s = half.sign;
  const [x, y] = brush.pose.outline(288 * s, 20, -20);
  const ear = oval(x, y, 38, 74);
  drawPath(canvas, ear, fill(theme.skin));
  drawPath(canvas, ear, stroke(theme.skin_shade, 4, 0.6));
  glow(canvas, x - 4 * s, y - 2, 30, 58, theme.skin_shade, 0.9);
  const fold = openPath([x + 6 * s, y - 50],
                        [x + 30 * s, y - 40, x + 22 * s, y + 20, x + 4 * s, y + 36]);
  drawPath(canvas, fold, stroke(theme.skin_light, 6, 0.5));
}

// The skin, and the hair's shadow on the forehead.
export function drawFace(brush) {
  drawSkin(brush);
  brush.clipped(facePath(brush), () => {
    const path = fringe(brush);
    for (const width of [56, 30]) {
      drawPath(brush.canvas, path, stroke(brush.theme.line, width, 0.09));
    }
  });
}

function fringeDepth(y) {
  const next = FRINGE_DEPTHS.findIndex(([at]) => y <= at);
  if (next === 0) return FRINGE_DEPTHS[0][1];
  if (next < 0) return FRINGE_DEPTHS.at(-1)[1];
  const [above, from] = FRINGE_DEPTHS[next - 1], [below, to] = FRINGE_DEPTHS[next];
  return mix(from, to, (y - above) / (below - above));
}

// Swept from a parting on the subject's left, with a sideburn on either side.
function fringe(brush) {
  return brush.outline(
    fringeDepth,
    [110, -462], [-20, -512, -200, -470, -276, -350], [-320, -270, -320, -130, -296, 8],
    [-287, -6, -286, -70, -274, -136], [-268, -190, -240, -230, -196, -262],
    [-90, -250, 20, -284, 104, -352], [140, -300, 190, -268, 236, -232],
    [268, -190, 286, -80, 296, 8], [320, -130, 320, -290, 268, -372],
    [230, -436, 180, -464, 110, -462],
  );
}

// Hair with strands that follow the comb.
export function drawOver(brush) {
  const { theme, canvas } = brush;
  const shades = [[theme.hair, 1], [theme.hair_shade, 1]];
  drawPath(canvas, fringe(brush), linear(canvas, -480, -120, shades));
  const [dx, dy] = brush.pose.shift(60);
  glow(canvas, -100 + dx, -390 + dy, 160, 56, theme.hair_light, 0.75);
  glow(canvas, 196 + dx, -370 + dy, 70, 56, theme.hair_light, 0.5);
  for (const [text, first] of [[theme.hair_light, 0], [theme.hair_shade, 1]]) {
    drawPath(canvas, strands(brush, first), stroke(text, 5, 0.30));
  }
}

// Every second strand as one path: a call for each would take longer than its pixels.
function strands(brush, first) {
  const path = new Path2D();
  const add = (start, bend) => {
    path.moveTo(...brush.turned(strandDepth, start));
    path.bezierCurveTo(...brush.turned(strandDepth, bend));
  };
  for (let strand = first; strand < 9; strand += 2) {
    const t = strand / 8;
    add([112 - 20 * t, -452 + 96 * t],
        [-20 - 10 * t, -476 + 130 * t, -190 + 20 * t, -450 + 140 * t,
         -300 + 74 * t, -190 - 40 * t]);
  }
  for (let strand = first; strand < 4; strand += 2) {
    const t = strand / 3;
    add([124, -450 + 70 * t],
        [190, -440 + 60 * t, 262 - 30 * t, -360 + 50 * t, 300 - 40 * t, -170 - 40 * t]);
  }
  return path;
}

function strandDepth() {
  return 50;
}
