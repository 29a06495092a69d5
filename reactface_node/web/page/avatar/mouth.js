// The mouth: lips, what is behind them, and the chin below. Mirrors render/mouth.py.

import {
  HALVES, closed, drawPaint, drawPath, fill, glow, linear, mix, openPath, oval, stroke,
} from "./brush.js";
import { lipsOf } from "./lips.js";

const MOUTH_Y = 206;
const LIFT = 12;
const DARK = 3; // a narrower gap shows nothing of the mouth's inside

// All of it, around the closed neutral mouth's middle.
export function drawMouth(brush) {
  brush.at(0, MOUTH_Y, LIFT, () => {
    brush.canvas.scale(brush.theme.mouth_size, brush.theme.mouth_size);
    const lips = lipsOf(brush);
    drawChin(brush, lips);
    brush.clipped(lips.opening(), () => drawInside(brush, lips));
    drawLips(brush, lips);
    if (brush.controls.tongueOut > 0.02) drawTongueOut(brush, lips);
    drawCorners(brush, lips);
  });
}

// Darkness, teeth that hang from the upper jaw and stand on the lower one, the tongue.
function drawInside(brush, lips) {
  const { theme, canvas, controls: c } = brush;
  drawPaint(canvas, fill(theme.mouth));
  const gap = lips.lower - lips.upper;
  if (gap < DARK) return;
  const m = lips.lowerX;
  const tongueY = lips.lower + 34 - 0.36 * gap - 14 * c.tongueOut;
  drawPath(canvas, oval(m, tongueY + 10, 60, 44), fill(theme.tongue));
  if (!theme.glows) glow(canvas, m, tongueY - 8, 34, 18, "#ffffff", 0.22);
  drawTeeth(brush, lips, gap);
  if (!theme.glows) {
    const edge = [[theme.mouth, 0.65], [theme.mouth, 0]];
    drawPaint(canvas, linear(canvas, lips.upper - 6, lips.upper + 14, edge));
  }
}

function drawTeeth(brush, lips, gap) {
  const { theme, canvas, controls: c } = brush;
  const bare = Math.max(c.both("mouthLowerDown"), 0.8 * c.both("mouthStretch"));
  if (bare > 0.1) {
    const y = lips.lower - 16 * bare, m = lips.lowerX;
    const lower = closed([m - 60, y - 6], [m - 40, y + 2, m + 40, y + 2, m + 60, y - 6],
                         [m + 60, y + 50], [m - 60, y + 50]);
    drawPath(canvas, lower, fill(theme.teeth, 0.93));
  }
  // They stay with the skull: the lip uncovers them.
  const x = 0.5 * lips.upperX, top = Math.min(lips.upper, 2);
  const low = Math.min(top + 25, lips.lower - 0.16 * gap) - 3 * c.mouthFunnel;
  const reach = 0.80 * (lips.left.x - lips.right.x) / 2;
  const side = mix(low, lips.left.y + lips.right.y, 0.25);
  const upper = closed(
    [x - reach, top - 60], [x + reach, top - 60], [x + reach, side - 6],
    [x + reach * 0.86, low, x + reach * 0.5, low + 3, x, low + 3],
    [x - reach * 0.5, low + 3, x - reach * 0.86, low, x - reach, side - 6],
  );
  drawPath(canvas, upper, fill(theme.teeth));
}

function drawLips(brush, lips) {
  const { theme, canvas } = brush;
  const opening = lips.opening(), upperLip = lips.upperLipPath(), lowerLip = lips.lowerLipPath();
  if (theme.glows) {
    drawPath(canvas, lowerLip, fill(theme.lip, 0.14));
    drawPath(canvas, upperLip, fill(theme.lip, 0.14));
    for (const width of [30, 22, 15]) drawPath(canvas, opening, stroke(theme.lip, width, 0.09));
    drawPath(canvas, opening, stroke(theme.lip, 9));
    return;
  }
  const low = lips.lower, high = lips.upper;
  const full = [[theme.lip, 1], [theme.lip_light, 1], [theme.lip, 1]];
  drawPath(canvas, lowerLip, linear(canvas, low - 5, low + lips.lowerLip * 1.15, full));
  const top = [[theme.lip_light, 1], [theme.lip, 1]];
  drawPath(canvas, upperLip, linear(canvas, high - lips.upperLip * 1.6, high + 4, top));
  if (lips.lowerLip > 8) {
    const shine = oval(lips.lowerX, low + lips.lowerLip * 0.42, 30, lips.lowerLip * 0.16);
    drawPath(canvas, shine, fill("#ffffff", 0.22));
  }
  drawPath(canvas, opening, stroke(theme.mouth, 4, 0.8));
}

// Small shades where the corners press, dimple or pull.
function drawCorners(brush, lips) {
  const { theme, canvas, controls: c } = brush;
  HALVES.forEach((half, index) => {
    const s = half.sign, corner = [lips.right, lips.left][index];
    const smile = half.weight(c, "mouthSmile"), dimple = half.weight(c, "mouthDimple");
    const press = half.weight(c, "mouthPress"), frown = half.weight(c, "mouthFrown");
    const strength = Math.max(0.85 * dimple, 0.7 * press, 0.32 * smile, 0.45 * frown);
    const x = corner.x + (9 + 7 * dimple) * s, y = corner.y;
    const high = 12 + 8 * dimple + 3 * press;
    const mark = openPath([x - 3 * s, y - high], [x + 9 * s, y, x - 2 * s, y + high]);
    drawPath(canvas, mark, stroke(theme.line, 5 + 2 * dimple, 0.60 * strength));
    if (press > 0.05) {
      const flat = openPath([lips.upperX, lips.lower + 1], [corner.x * 0.85, corner.y + 1]);
      drawPath(canvas, flat, stroke(theme.mouth, 5.5, 0.7 * press));
    }
  });
}

function drawTongueOut(brush, lips) {
  const { theme, canvas } = brush, out = brush.controls.tongueOut;
  const m = lips.lowerX, top = mix(lips.upper, lips.lower, 0.55);
  const low = Math.max(top + 30 + 72 * out, lips.lower + 50 * out);
  const tongue = closed([m - 40, top], [m - 50, low - 20, m - 34, low, m, low],
                        [m + 34, low, m + 50, low - 20, m + 40, top]);
  const shown = Math.min(1, 3 * out);
  drawPath(canvas, tongue, fill(theme.tongue, shown));
  if (!theme.glows) {
    brush.clipped(tongue, () => {
      const shade = [[theme.mouth, 0.5 * shown], [theme.mouth, 0]];
      drawPaint(canvas, linear(canvas, top, top + 34, shade));
    });
    glow(canvas, m - 14, low - 28, 22, 20, "#ffffff", 0.35 * out);
  }
  const groove = openPath([m, top + 14], [m, mix(top, low, 0.72)]);
  drawPath(canvas, groove, stroke(theme.line, 5, 0.35 * out));
}

// Shade under the lip; a shrug or a forward jaw makes the chin a shape of its own.
function drawChin(brush, lips) {
  const { theme, canvas, controls: c } = brush;
  const y = lips.lower + lips.lowerLip, m = lips.lowerX;
  if (!theme.glows) {
    glow(canvas, m, y + 13, 74, 24, theme.skin_shade, 0.75);
    // The groove between nose and lip.
    glow(canvas, 0, -52, 12, 26, theme.skin_shade, 0.35 + 0.35 * theme.relief);
  }
  const forward = c.jawForward, boss = Math.max(c.mouthShrugLower, 0.9 * c.jawForward);
  if (forward > 0.03) {
    if (theme.glows) {
      drawPath(canvas, oval(m, y + 52, 60, 26), stroke(theme.line, 5, 0.5 * forward));
    } else {
      glow(canvas, m, y + 56, 110, 70, theme.skin_light, 0.8 * forward, [0, 0.6, 1]);
    }
  }
  if (boss <= 0.03) return;
  const line = openPath([m - 46, y + 34], [m - 22, y + 14, m + 22, y + 14, m + 46, y + 34]);
  drawPath(canvas, line, stroke(theme.line, 6, 0.42 * boss));
  for (const x of [-22, 0, 22]) {
    const pit = openPath([m + x, y + 42], [m + x + 1, y + 48]);
    drawPath(canvas, pit, stroke(theme.line, 6, 0.22 * c.mouthShrugLower));
  }
}
