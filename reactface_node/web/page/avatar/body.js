// What never moves and is drawn once: background, neck and shoulders. Mirrors render/body.py.

import {
  closed, drawPaint, drawPath, glow, kept, linear, openPath, radial, stroke,
} from "./brush.js";

// Behind everything; `reach` is the picture's half diagonal in units.
export function drawBackground(canvas, theme, reach) {
  const stops = [[theme.background, 1], [theme.background_edge, 1]];
  // The middle of the units is not the picture's.
  drawPaint(canvas, radial(canvas, 0, -60, reach, stops), 2 * reach);
}

// Neck and shoulders.
export function drawBody(canvas, theme) {
  if (theme.head === "hair") {
    drawNeck(canvas, theme, theme.skin, theme.skin_shade);
  } else {
    drawNeck(canvas, theme, theme.hair_shade, theme.hair_shade);
    drawRings(canvas, theme);
  }
  drawShoulders(canvas, theme);
}

function drawNeck(canvas, theme, light, shade) {
  const neck = closed([-104, 200], [-108, 330, -106, 400, -176, 452], [-150, 700], [150, 700],
                      [176, 452], [106, 400, 108, 330, 104, 200]);
  drawPath(canvas, neck, linear(canvas, 330, 480, [[shade, 1], [light, 1]]));
  kept(canvas, () => {
    canvas.clip(neck);
    glow(canvas, 0, 330, 190, 96, theme.line, 0.55);
    for (const side of [-1, 1]) glow(canvas, 118 * side, 420, 60, 120, theme.line, 0.28);
  });
}

// A robot's neck bends.
function drawRings(canvas, theme) {
  for (const y of [392, 420, 448]) {
    const wide = 106 + (y - 392) * 0.25;
    const ring = openPath([-wide, y], [-wide * 0.6, y + 15, wide * 0.6, y + 15, wide, y]);
    drawPath(canvas, ring, stroke(theme.line, 7, 0.30));
    drawPath(canvas, ring, stroke(theme.hair_light, 2.5, 0.45));
  }
}

function drawShoulders(canvas, theme) {
  const robot = theme.head !== "hair";
  const rise = robot ? 12 : 0;
  const clothes = closed([-640, 900], [-640, 560 - rise, -360, 484 - rise, -158, 446],
                         [-96, 512, 96, 512, 158, 446],
                         [360, 484 - rise, 640, 560 - rise, 640, 900]);
  const stops = [[theme.clothes_light, 1], [theme.clothes, 1]];
  drawPath(canvas, clothes, linear(canvas, 446, 660, stops));
  kept(canvas, () => {
    canvas.clip(clothes);
    glow(canvas, 0, 470, 330, 80, robot ? theme.line : theme.hair_shade, 0.35);
  });
  const collar = openPath([-160, 446], [-96, 514, 96, 514, 160, 446]);
  if (!robot) {
    drawPath(canvas, collar, stroke(theme.clothes, 16));
    return;
  }
  drawPath(canvas, collar, stroke(theme.hair_shade, 20));
  drawPath(canvas, collar, stroke(theme.accent, 9));
}
