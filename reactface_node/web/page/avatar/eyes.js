// Eyes: lids that really close over the eyeball, iris, lashes. Mirrors render/eyes.py.

import {
  HALVES, across, circle, closed, drawPaint, drawPath, fill, glow, linear, mix, openPath, oval,
  radial, stroke,
} from "./brush.js";

const EYE_X = 124;
const EYE_Y = -44;
const HALF_WIDTH = 70;
const RISE = 50;
const FALL = 40;
// Heights of the eye's corners.
const INNER = 8;
const OUTER = -5;
const CLOSED_AT = 25; // the lids meet below the middle
const CREST = 1.30; // a curve passes below the points that pull it
const ROUND = 0.66; // where along the half width the lids curve most
const IRIS = 40;
const LOOK_X = 32;
const LOOK_Y = 25;
const LID_DEPTH = 34; // of the shadow that the upper lid throws on the eyeball

// The opening between the lids, relative to the eye's middle: half width, and heights of the
// upper and lower edge's crests (y down, upper never below lower). The outer corner is at +x.
class Lids {
  constructor(width, upper, lower, round) {
    this.width = width;
    this.upper = upper;
    this.lower = lower;
    this.round = round;
  }

  // Inner to outer corner over a crest, as one cubic after its start [-width, INNER].
  edge(crest, lifted = 0) {
    const w = this.width, pull = crest * CREST - lifted;
    return [-w * this.round, pull + 3, w * (this.round - 0.08), pull - 4, w, OUTER];
  }

  // The same curve from the outer corner back to the inner one.
  reversedEdge(crest, lifted = 0) {
    const c = this.edge(crest, lifted);
    return [c[2], c[3], c[0], c[1], -this.width, INNER];
  }

  opening() {
    return closed([-this.width, INNER], this.edge(this.upper), this.reversedEdge(this.lower));
  }

  lowerEdge() {
    return openPath([-this.width, INNER], this.edge(this.lower));
  }
}

// The open eye of the neutral face.
function restOf(theme) {
  const size = theme.eye_size;
  return new Lids(HALF_WIDTH * size, -RISE * size, FALL * size, ROUND * theme.eye_round);
}

// Blink closes, squint narrows, wide opens; the upper lid follows the gaze.
function lidsOf(brush, half) {
  const c = brush.controls, size = brush.theme.eye_size;
  const squint = half.weight(c, "eyeSquint"), cheek = half.weight(c, "cheekSquint");
  const wide = half.weight(c, "eyeWide"), blink = half.weight(c, "eyeBlink");
  const down = half.weight(c, "eyeLookDown"), up = half.weight(c, "eyeLookUp");
  let upper = -RISE * (1 + 0.32 * wide - 0.34 * squint - 0.34 * down + 0.08 * up);
  const smile = half.weight(c, "mouthSmile");
  const raised = Math.min(0.55 * squint + 0.40 * cheek + 0.20 * smile, 0.9);
  let lower = FALL * (1 + 0.14 * wide + 0.12 * down - raised);
  const meet = mix(CLOSED_AT, lower, 0.4);
  upper = mix(upper, meet, blink);
  lower = mix(lower, meet, blink);
  const width = HALF_WIDTH * size * (1 - 0.04 * squint);
  const round = ROUND * brush.theme.eye_round;
  return new Lids(width, Math.min(upper, lower) * size, lower * size, round);
}

export function drawEyes(brush) {
  for (const half of HALVES) {
    brush.at(EYE_X * half.sign, EYE_Y, 0, () => {
      // Drawn as the left eye, whose outer corner is at +x; the right one is its mirror.
      brush.canvas.scale(half.sign, 1);
      drawEye(brush, half);
    });
  }
}

function drawEye(brush, half) {
  const lids = lidsOf(brush, half), rest = restOf(brush.theme);
  if (!brush.theme.glows) drawSocket(brush, lids, rest);
  brush.clipped(lids.opening(), () => drawEyeball(brush, half, lids));
  drawLashes(brush, lids);
  drawCreases(brush, half, lids, rest);
}

// The skin around the eyeball and the lid that a blink draws over it.
function drawSocket(brush, lids, rest) {
  const { theme, canvas } = brush, size = theme.eye_size;
  const alpha = 0.30 - 0.10 * theme.relief;
  glow(canvas, -10, -14 * size, 118 * size, 84 * size, theme.skin_shade, alpha);
  const over = 16 * size;
  const ball = closed([-rest.width, INNER], rest.edge(Math.min(rest.upper, lids.upper), over),
                      rest.reversedEdge(Math.max(rest.lower, lids.lower), -2));
  const low = Math.max(lids.upper, rest.upper + 12);
  const stops = [[theme.skin_shade, 0.55], [theme.skin_light, 0.75], [theme.skin_shade, 0.55]];
  brush.clipped(ball, () => {
    drawPaint(canvas, fill(theme.skin));
    drawPaint(canvas, linear(canvas, rest.upper - over, low + 14, stops));
  });
}

function drawEyeball(brush, half, lids) {
  const { theme, canvas, controls: c } = brush;
  const w = lids.width;
  drawPaint(canvas, fill(theme.sclera));
  if (!theme.glows) {
    const roundOff = [[theme.skin_shade, 0], [theme.skin_shade, 0], [theme.skin_shade, 0.5]];
    drawPaint(canvas, radial(canvas, 0, 4, w * 1.2, roundOff, [0, 0.6, 1]));
  }
  const x = LOOK_X * (half.weight(c, "eyeLookOut") - half.weight(c, "eyeLookIn"));
  const y = LOOK_Y * (half.weight(c, "eyeLookDown") - half.weight(c, "eyeLookUp")) - 4;
  // The light stays where it is whichever half it is: undo the mirror.
  drawIris(brush, x, y, -half.sign);
  if (!theme.glows) {
    const shadow = [[theme.lash, 0.50], [theme.lash, 0]];
    drawPaint(canvas, linear(canvas, lids.upper - 4, lids.upper + LID_DEPTH, shadow));
  }
}

function drawIris(brush, x, y, light) {
  const { theme, canvas } = brush;
  const size = IRIS * theme.iris_size * theme.eye_size;
  drawPath(canvas, circle(x, y, size), fill(theme.iris_edge));
  const inner = [[theme.iris, 1], [theme.iris, 0.85], [theme.iris, 0]];
  const bright = radial(canvas, x, y + size * 0.38, size * 1.05, inner, [0, 0.45, 1]);
  drawPath(canvas, circle(x, y, size * 0.95), bright);
  drawPath(canvas, circle(x, y, size * 0.47), fill(theme.pupil));
  const shine = "#ffffff";
  const spot = oval(x + light * size * 0.36, y - size * 0.38, size * 0.26, size * 0.23);
  drawPath(canvas, spot, fill(shine, 0.96));
  const glint = circle(x - light * size * 0.38, y + size * 0.40, size * 0.12);
  drawPath(canvas, glint, fill(shine, 0.7));
}

// The upper lid's dark edge, thickest towards the outer corner, and a thin lower one.
function drawLashes(brush, lids) {
  const { theme, canvas } = brush, w = lids.width;
  if (theme.glows) {
    const opening = lids.opening();
    for (const width of [28, 20, 13]) drawPath(canvas, opening, stroke(theme.lash, width, 0.09));
    drawPath(canvas, opening, stroke(theme.lash, 6));
    return;
  }
  drawPath(canvas, lids.lowerEdge(), stroke(theme.line, 3.5, 0.5));
  const thick = 7 + 6 * theme.lashes;
  const c = lids.edge(lids.upper);
  const tipY = OUTER - 10 * theme.lashes + 0.10 * lids.upper;
  const lash = closed(
    [-w - 2, INNER + 2],
    [c[0], c[1] - thick * 0.5, c[2], c[3] - thick * 1.25, w + 3 + 12 * theme.lashes, tipY],
    [w + 4, OUTER - 1, w + 2, OUTER + 1, w, OUTER + 3],
    [c[2], c[3] + 2.5, c[0], c[1] + 2.5, -w - 2, INNER + 2],
  );
  // Lighter towards the nose, where lashes are short.
  const ink = across(canvas, -w, w * 0.1, [[theme.lash, 0.35], [theme.lash, 1]]);
  drawPath(canvas, lash, ink);
  drawPath(canvas, lash, { ...ink, width: 2, join: "miter" });
}

// The fold above the lid, and what a squint or a cheek pushes up below it.
function drawCreases(brush, half, lids, rest) {
  const { theme, canvas, controls: c } = brush, w = rest.width;
  if (!theme.glows) {
    const blink = half.weight(c, "eyeBlink");
    const top = Math.min(lids.upper, rest.upper) - 9 * (1 - 0.4 * blink);
    const fold = openPath([-w * 0.86, INNER - 16], [-w * 0.6, top * 1.28, w * 0.55, top * 1.28,
                          w * 1.06, OUTER - 14]);
    drawPath(canvas, fold, stroke(theme.line, 4, 0.36 - 0.16 * blink));
  }
  const cheek = half.weight(c, "cheekSquint"), squint = half.weight(c, "eyeSquint");
  const bag = Math.max(cheek, 0.75 * squint);
  if (bag < 0.03) return;
  const y = rest.lower + 13 - 6 * bag;
  const under = openPath([-w * 0.74, y * 0.80], [-w * 0.3, y * 1.22, w * 0.4, y * 1.20,
                         w * 0.94, y * 0.52]);
  drawPath(canvas, under, stroke(theme.line, 5, (0.28 + 0.14 * theme.relief) * bag));
  for (let row = 0; row < 2; row++) {
    const corner = openPath([w + 20, 2 + 15 * row],
                            [w + 32, 3 + 21 * row, w + 42, 1 + 28 * row]);
    drawPath(canvas, corner, stroke(theme.line, 4, (0.24 + 0.12 * theme.relief) * cheek));
  }
}
