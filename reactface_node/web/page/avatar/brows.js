// Brows, and the forehead that they fold. Mirrors render/brows.py.

import { HALVES, closed, drawPath, fill, mix, openPath, stroke } from "./brush.js";

const BROW_X = 130;
const BROW_Y = -148;
// Of a brow's ends, from its middle outwards.
const INNER_X = -74;
const OUTER_X = 80;
const LIFT = 10;

// A tapered arc whose two ends and middle move on their own; lines that they fold.
export function drawBrows(brush) {
  for (const half of HALVES) {
    brush.at(BROW_X * half.sign, BROW_Y, LIFT, () => {
      brush.canvas.scale(half.sign, 1);
      drawBrow(brush, half);
    });
  }
  brush.at(0, BROW_Y, LIFT, () => drawForehead(brush));
}

// Down pulls the inner end most; inner up against it makes the worried, knitted brow.
function drawBrow(brush, half) {
  const { theme, canvas, controls: c } = brush;
  const down = half.weight(c, "browDown"), innerUp = c.browInnerUp;
  const outerUp = half.weight(c, "browOuterUp");
  // Natural brows rise less than drawn ones; a tracker loses those that rise further.
  const natural = Math.min(theme.relief, 1);
  const raised = mix(46, 35, natural);
  const squeeze = 16 * down + 6 * innerUp * down;
  const ix = INNER_X - squeeze, ox = OUTER_X;
  const iy = mix(-4, 2, natural) - raised * innerUp + 42 * down * (1 - 0.6 * innerUp) - 6 * outerUp;
  const oy = 6 - raised * outerUp + 14 * down + 9 * innerUp;
  const my = 0.42 * iy + 0.58 * oy - 28 - 13 * outerUp + 13 * down + 4 * innerUp;
  const thick = 12 * theme.brow_size;
  const path = closed(
    [ix, iy - thick * 0.55],
    [ix + 40, my - thick * 1.5, 26, my - thick * 1.2, ox, oy],
    [26, my + thick * 0.8, ix + 46, my + thick * 1.1, ix + 4, iy + thick * 1.05],
    [ix - 5, iy + thick * 0.9, ix - 6, iy - thick * 0.4, ix, iy - thick * 0.55],
  );
  if (theme.glows) {
    for (const width of [30, 20, 12]) drawPath(canvas, path, stroke(theme.brow, width, 0.09));
  }
  drawPath(canvas, path, fill(theme.brow, 0.94));
  drawPath(canvas, path, stroke(theme.brow, 5, 0.94));
}

function drawForehead(brush) {
  const { theme, canvas, controls: c } = brush;
  const depth = 0.24 + 0.1 * theme.relief;
  for (const half of HALVES) {
    const s = half.sign, frown = half.weight(c, "browDown");
    const raised = Math.max(c.browInnerUp, 0.85 * half.weight(c, "browOuterUp"));
    for (let row = 0; row < 2; row++) {
      const y = -78 - 26 * row - 14 * raised;
      const line = openPath([2 * s, y - 6], [50 * s, y - 7, 84 * s, y - 2, (112 - 16 * row) * s,
                            y + 8]);
      drawPath(canvas, line, stroke(theme.line, 5, depth * Math.max(raised - 0.15, 0)));
    }
    const knit = openPath([16 * s, -14], [22 * s, 8, 13 * s, 38]);
    drawPath(canvas, knit, stroke(theme.line, 6, 0.5 * frown));
  }
}
