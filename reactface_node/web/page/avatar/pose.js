// Where the turned head puts its parts: a point on the face moves as on a rotated ellipsoid.
// Mirrors render/pose.py.

// Of the head's ellipsoid, in units.
export const HALF_WIDTH = 340;
export const HALF_HEIGHT = 450;
export const HALF_DEPTH = 250;
const NEAR_EDGE = 0.12; // of HALF_DEPTH: the surface is not followed further round than this

// nod and turn in radians, as rotation x and y of schema.py; y runs down here.
export class Pose {
  constructor(nod = 0, turn = 0) {
    this.nod = nod;
    this.turn = turn;
    // Taken once, because every point of an outline needs them.
    this.sinNod = Math.sin(nod);
    this.cosNod = Math.cos(nod);
    this.sinTurn = Math.sin(turn);
    this.cosTurn = Math.cos(turn);
  }

  // How far something in front of the head's axis moves in the picture.
  shift(depth) {
    return [depth * this.cosNod * this.sinTurn, depth * this.sinNod];
  }

  // A point of a silhouette, which a solid head keeps wider than a flat drawing would.
  outline(x, y, depth) {
    const [dx, dy] = this.shift(depth);
    return [x * (3 + this.cosTurn) / 4 + dx, y * (3 + this.cosNod) / 4 + dy];
  }

  // From the flat drawing around (x, y) to the picture, as a canvas takes a matrix: (x, y, z) with
  // z on the ellipsoid plus `lift`, rotated by Ry @ Rx, to first order around the point.
  surface(x, y, lift = 0) {
    const bulge = 1 - (x / HALF_WIDTH) ** 2 - (y / HALF_HEIGHT) ** 2;
    let z = HALF_DEPTH * Math.sqrt(Math.max(bulge, NEAR_EDGE ** 2));
    const slopeX = -x * (HALF_DEPTH / HALF_WIDTH) ** 2 / z;
    const slopeY = -y * (HALF_DEPTH / HALF_HEIGHT) ** 2 / z;
    z += lift;
    const { sinNod: sinN, cosNod: cosN, sinTurn: sinT, cosTurn: cosT } = this;
    return [
      cosT + slopeX * cosN * sinT, slopeX * sinN, // along x
      (slopeY * cosN - sinN) * sinT, cosN + slopeY * sinN, // along y
      x * cosT + (z * cosN - y * sinN) * sinT, y * cosN + z * sinN, // the point itself
    ];
  }
}
