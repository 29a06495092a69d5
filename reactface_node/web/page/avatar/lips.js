// The mouth's geometry: how the weights move the corners and edges of the lips.
// Mirrors render/lips.py.

import { HALVES, closed, mix } from "./brush.js";

const HALF_WIDTH = 92;
const UPPER_LIP = 19;
const LOWER_LIP = 25;
export const JAW_DROP = 96;
const BOW = 19; // half the distance of the cupid's bow's two peaks

// Everything that the drawing needs, in units around the closed neutral mouth's middle: corners,
// the inner edges' middles (x and y), the thickness of the lips. A corner is {x, y, upper, lower}:
// where it is, and the lips' inner edges where their curves to the middle bend.
class Lips {
  constructor(fields) {
    Object.assign(this, fields);
  }

  // Between the lips.
  opening() {
    const r = this.right;
    return closed([r.x, r.y], ...this.upperEdge(), ...this.lowerEdgeBack());
  }

  // Right corner to left along the upper lip's inner edge.
  upperEdge() {
    const r = this.right, le = this.left, m = this.upperX, y = this.upper;
    return [
      [mix(m, r.x, 0.72), r.upper, mix(m, r.x, 0.34), y, m, y],
      [mix(m, le.x, 0.34), y, mix(m, le.x, 0.72), le.upper, le.x, le.y],
    ];
  }

  // Left corner back to the right one along the lower lip's inner edge.
  lowerEdgeBack() {
    const r = this.right, le = this.left, m = this.lowerX, y = this.lower;
    return [
      [mix(m, le.x, 0.86), le.lower, mix(m, le.x, 0.50), y, m, y],
      [mix(m, r.x, 0.50), y, mix(m, r.x, 0.86), r.lower, r.x, r.y],
    ];
  }

  // From the cupid's bow to just over the opening's edge.
  upperLipPath() {
    const r = this.right, le = this.left, t = this.upperLip, m = this.upperX;
    const peak = this.upper - t, dip = this.upper - t * 0.74;
    const back = [
      [mix(m, le.x, 0.72), le.upper + 2, mix(m, le.x, 0.34), this.upper + 2, m, this.upper + 2],
      [mix(m, r.x, 0.34), this.upper + 2, mix(m, r.x, 0.72), r.upper + 2, r.x - 4, r.y],
    ];
    return closed(
      [r.x - 4, r.y],
      [mix(m, r.x, 0.72), r.upper - t * 0.62, m - BOW * 2.1, peak - 1, m - BOW, peak],
      [m - BOW * 0.5, peak + 1, m - BOW * 0.35, dip, m, dip],
      [m + BOW * 0.35, dip, m + BOW * 0.5, peak + 1, m + BOW, peak],
      [m + BOW * 2.1, peak - 1, mix(m, le.x, 0.72), le.upper - t * 0.62, le.x + 4, le.y],
      ...back,
    );
  }

  lowerLipPath() {
    const r = this.right, le = this.left, t = this.lowerLip, m = this.lowerX;
    const top = this.lower - 1, low = this.lower + t;
    return closed(
      [r.x - 3, r.y],
      [mix(m, r.x, 0.86), r.lower - 1, mix(m, r.x, 0.50), top, m, top],
      [mix(m, le.x, 0.50), top, mix(m, le.x, 0.86), le.lower - 1, le.x + 3, le.y],
      [mix(m, le.x, 0.88), le.lower + t * 0.85, mix(m, le.x, 0.46), low, m, low],
      [mix(m, r.x, 0.46), low, mix(m, r.x, 0.88), r.lower + t * 0.85, r.x - 3, r.y],
    );
  }
}

// Where everything is for the frame's weights; mouthClose shuts what jawOpen opened.
export function lipsOf(brush) {
  const c = brush.controls;
  const shut = c.mouthClose, funnel = c.mouthFunnel;
  const drop = JAW_DROP * c.jawOpen;
  const gap = drop * (1 - shut) + 20 * funnel * (1 - shut);
  const together = 0.55 * drop * shut;
  const shrugUp = c.mouthShrugUpper, shrug = c.mouthShrugLower;
  const raised = together - 13 * shrugUp - 8 * shrug;
  const sneer = c.both("noseSneer");
  const upper = raised - 22 * c.both("mouthUpperUp") - 8 * sneer - 8 * funnel - 0.05 * gap;
  const lower = Math.max(raised + gap + 24 * c.both("mouthLowerDown") - 11 * shrug, upper);
  const mouthX = 36 * (c.mouthLeft - c.mouthRight);
  const jawX = 34 * (c.jawLeft - c.jawRight);
  const [right, left] = HALVES.map((half) => {
    return cornerOf(brush, half, mouthX + 0.5 * jawX, upper, lower);
  });
  const [upperLip, lowerLip] = thickness(brush);
  return new Lips({ right, left, upperX: mouthX, upper, lowerX: mouthX + jawX, lower, upperLip,
                    lowerLip });
}

// Of the upper and the lower lip; rolled lips all but vanish.
function thickness(brush) {
  const c = brush.controls, size = brush.theme.lip_size;
  const full = (
    1 + 0.55 * c.mouthPucker + 0.5 * c.mouthFunnel - 0.45 * c.both("mouthPress")
    - 0.3 * c.mouthClose
  );
  const upper = full + 0.3 * c.mouthShrugUpper - 0.9 * c.mouthRollUpper;
  const lower = full + 0.4 * c.mouthShrugLower + 0.3 * c.jawForward - 0.9 * c.mouthRollLower;
  return [UPPER_LIP * size * Math.max(upper, 0.1), LOWER_LIP * size * Math.max(lower, 0.1)];
}

function cornerOf(brush, half, aside, upper, lower) {
  const c = brush.controls;
  const smile = half.weight(c, "mouthSmile"), frown = half.weight(c, "mouthFrown");
  const stretch = half.weight(c, "mouthStretch"), dimple = half.weight(c, "mouthDimple");
  const narrow = 46 * c.mouthPucker + 36 * c.mouthFunnel + 8 * c.jawOpen * (1 - smile);
  const width = (
    HALF_WIDTH + 27 * smile + 30 * stretch + 15 * dimple - 4 * frown - narrow
    + 5 * half.weight(c, "mouthPress") - 8 * c.mouthClose
  );
  const rest = mix(upper, lower, 0.36 * (1 - 0.6 * smile));
  const y = rest - 10 - 38 * smile * (1 - 0.4 * frown) + 36 * frown + 9 * stretch - 6 * dimple;
  const x = half.sign * Math.max(width, 28) + aside;
  // One half's lip beyond what both do on average is already in the middle.
  const up = 26 * (half.weight(c, "mouthUpperUp") - c.both("mouthUpperUp"));
  const down = 26 * (half.weight(c, "mouthLowerDown") - c.both("mouthLowerDown"));
  const sneer = 9 * (half.weight(c, "noseSneer") - c.both("noseSneer"));
  const openShare = Math.min((lower - upper) / JAW_DROP, 1);
  const bend = 0.30 * (y - rest);
  const innerUpper = mix(upper, y, 0.45 - 0.25 * openShare) - up - sneer - 0.3 * bend;
  const innerLower = mix(lower, y, 0.45 - 0.22 * openShare) + down - 0.4 * bend;
  return { x, y, upper: innerUpper, lower: Math.max(innerLower, innerUpper) };
}
