import { distanceToSegment, grow, segmentTouches, type Point, type Port, type Rect } from './geometry';

/** Where an edge runs. `points` is flat x, y pairs: start, two controls, end for a curve; the corners for a line. */
export interface Route {
  readonly curve: boolean;
  readonly points: readonly number[];
  readonly bounds: Rect;
  /** Middle of the way, where the label sits. */
  readonly middle: Point;
  /** Directions (radians) in which the arrows at both ends point. */
  readonly startAngle: number;
  readonly endAngle: number;
}

const OUTWARD: Record<Port, Point> = {
  top: { x: 0, y: -1 }, right: { x: 1, y: 0 }, bottom: { x: 0, y: 1 }, left: { x: -1, y: 0 },
};
/** How far a step edge runs straight out of a port before it may turn. */
const STUB = 24;

/** Where a port sits on the outline of a kind. */
export function portPoint(kind: string, rect: Rect, port: Port): Point {
  const { x, y, w, h } = rect;
  switch (port) {
    case 'top': return { x: x + w / 2, y: kind === 'cloud' ? y + h * 0.06 : y };
    case 'bottom': return { x: x + w / 2, y: kind === 'star' ? y + h * 0.76 : kind === 'cloud' ? y + h * 0.94 : y + h };
    case 'left': return { x: x + w * inset(kind), y: y + h / 2 };
    case 'right': return { x: x + w * (1 - inset(kind)), y: y + h / 2 };
  }
}

function inset(kind: string): number {
  switch (kind) {
    case 'triangle': return 0.25;
    case 'parallelogram': return 0.1;
    case 'star': return 0.2;
    case 'cloud': return 0.03;
    default: return 0;
  }
}

/** The port of `rect` that faces `point` best. */
export function nearestPort(rect: Rect, point: Point): Port {
  const dx = (point.x - rect.x - rect.w / 2) / Math.max(rect.w, 1);
  const dy = (point.y - rect.y - rect.h / 2) / Math.max(rect.h, 1);
  return Math.abs(dx) > Math.abs(dy) ? (dx > 0 ? 'right' : 'left') : (dy > 0 ? 'bottom' : 'top');
}

/** The port an edge end stands for; one that this client does not know falls back to the side facing the other end. */
export function resolvePort(port: string, rect: Rect, toward: Point): Port {
  return port === 'top' || port === 'right' || port === 'bottom' || port === 'left' ? port : nearestPort(rect, toward);
}

export function route(kind: string, from: Point, fromPort: Port, to: Point, toPort: Port): Route {
  if (kind === 'straight') return line([from.x, from.y, to.x, to.y]);
  if (kind === 'step') return line(steps(from, OUTWARD[fromPort], to, OUTWARD[toPort]));
  return curve(from, OUTWARD[fromPort], to, OUTWARD[toPort]);
}

function curve(from: Point, out: Point, to: Point, into: Point): Route {
  const reach = (dir: Point, a: Point, b: Point): number => {
    const along = (b.x - a.x) * dir.x + (b.y - a.y) * dir.y;
    return along >= 0 ? Math.max(along / 2, 24) : 24 + Math.sqrt(-along) * 7;
  };
  const r0 = reach(out, from, to), r1 = reach(into, to, from);
  const c0x = from.x + out.x * r0, c0y = from.y + out.y * r0;
  const c1x = to.x + into.x * r1, c1y = to.y + into.y * r1;
  const points = [from.x, from.y, c0x, c0y, c1x, c1y, to.x, to.y];
  return {
    curve: true, points, bounds: boundsOf(points),
    middle: { x: (from.x + 3 * c0x + 3 * c1x + to.x) / 8, y: (from.y + 3 * c0y + 3 * c1y + to.y) / 8 },
    startAngle: Math.atan2(from.y - c0y, from.x - c0x), endAngle: Math.atan2(to.y - c1y, to.x - c1x),
  };
}

function line(points: number[]): Route {
  const n = points.length;
  let total = 0;
  for (let i = 2; i < n; i += 2) total += Math.hypot(points[i]! - points[i - 2]!, points[i + 1]! - points[i - 1]!);
  let left = total / 2;
  let middle: Point = { x: points[0]!, y: points[1]! };
  for (let i = 2; i < n; i += 2) {
    const dx = points[i]! - points[i - 2]!, dy = points[i + 1]! - points[i - 1]!, length = Math.hypot(dx, dy);
    if (left <= length) {
      const t = length === 0 ? 0 : left / length;
      middle = { x: points[i - 2]! + dx * t, y: points[i - 1]! + dy * t };
      break;
    }
    left -= length;
  }
  return {
    curve: false, points, bounds: boundsOf(points), middle,
    startAngle: Math.atan2(points[1]! - points[3]!, points[0]! - points[2]!),
    endAngle: Math.atan2(points[n - 1]! - points[n - 3]!, points[n - 2]! - points[n - 4]!),
  };
}

/** Corners of a right-angled way that leaves and enters along the ports' directions. */
function steps(from: Point, out: Point, to: Point, into: Point): number[] {
  const a = { x: from.x + out.x * STUB, y: from.y + out.y * STUB };
  const b = { x: to.x + into.x * STUB, y: to.y + into.y * STUB };
  const corners: Point[] = [from, a];
  const level = out.x !== 0, intoLevel = into.x !== 0;
  if (level && intoLevel) {
    if ((b.x - a.x) * out.x >= 0 && (a.x - b.x) * into.x >= 0) {
      const mid = (a.x + b.x) / 2;
      corners.push({ x: mid, y: a.y }, { x: mid, y: b.y });
    } else if (out.x === into.x) {
      const far = out.x > 0 ? Math.max(a.x, b.x) : Math.min(a.x, b.x);
      corners.push({ x: far, y: a.y }, { x: far, y: b.y });
    } else {
      const mid = (a.y + b.y) / 2;
      corners.push({ x: a.x, y: mid }, { x: b.x, y: mid });
    }
  } else if (!level && !intoLevel) {
    if ((b.y - a.y) * out.y >= 0 && (a.y - b.y) * into.y >= 0) {
      const mid = (a.y + b.y) / 2;
      corners.push({ x: a.x, y: mid }, { x: b.x, y: mid });
    } else if (out.y === into.y) {
      const far = out.y > 0 ? Math.max(a.y, b.y) : Math.min(a.y, b.y);
      corners.push({ x: a.x, y: far }, { x: b.x, y: far });
    } else {
      const mid = (a.x + b.x) / 2;
      corners.push({ x: mid, y: a.y }, { x: mid, y: b.y });
    }
  } else if (level) {
    const direct = (b.x - a.x) * out.x >= 0 && (a.y - b.y) * into.y >= 0;
    corners.push(direct ? { x: b.x, y: a.y } : { x: a.x, y: b.y });
  } else {
    const direct = (b.y - a.y) * out.y >= 0 && (a.x - b.x) * into.x >= 0;
    corners.push(direct ? { x: a.x, y: b.y } : { x: b.x, y: a.y });
  }
  corners.push(b, to);
  const flat: number[] = [];
  const distinct = corners.filter((p, i) => i === 0 || p.x !== corners[i - 1]!.x || p.y !== corners[i - 1]!.y);
  if (distinct.length === 1) distinct.push(to);
  distinct.forEach((p, i) => {
    const before = distinct[i - 1], after = distinct[i + 1];
    const between = before && after
      && ((before.x === p.x && p.x === after.x) || (before.y === p.y && p.y === after.y))
      && (p.x - before.x) * (after.x - p.x) >= 0 && (p.y - before.y) * (after.y - p.y) >= 0;
    if (!between) flat.push(p.x, p.y);
  });
  return flat;
}

function boundsOf(points: readonly number[]): Rect {
  let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
  for (let i = 0; i < points.length; i += 2) {
    const x = points[i]!, y = points[i + 1]!;
    if (x < x0) x0 = x; if (x > x1) x1 = x;
    if (y < y0) y0 = y; if (y > y1) y1 = y;
  }
  return grow({ x: x0, y: y0, w: x1 - x0, h: y1 - y0 }, 12);
}

const SAMPLES = 24;

function walk(way: Route, visit: (ax: number, ay: number, bx: number, by: number) => boolean): boolean {
  const p = way.points;
  if (!way.curve) {
    for (let i = 2; i < p.length; i += 2) if (visit(p[i - 2]!, p[i - 1]!, p[i]!, p[i + 1]!)) return true;
    return false;
  }
  let ax = p[0]!, ay = p[1]!;
  for (let i = 1; i <= SAMPLES; i++) {
    const t = i / SAMPLES, s = 1 - t;
    const k0 = s * s * s, k1 = 3 * s * s * t, k2 = 3 * s * t * t, k3 = t * t * t;
    const bx = k0 * p[0]! + k1 * p[2]! + k2 * p[4]! + k3 * p[6]!;
    const by = k0 * p[1]! + k1 * p[3]! + k2 * p[5]! + k3 * p[7]!;
    if (visit(ax, ay, bx, by)) return true;
    ax = bx; ay = by;
  }
  return false;
}

export function distanceToRoute(way: Route, point: Point): number {
  let nearest = Infinity;
  walk(way, (ax, ay, bx, by) => { nearest = Math.min(nearest, distanceToSegment(point, ax, ay, bx, by)); return false; });
  return nearest;
}

export function routeTouches(way: Route, rect: Rect): boolean {
  return walk(way, (ax, ay, bx, by) => segmentTouches(rect, ax, ay, bx, by));
}

/** The part of CanvasRenderingContext2D and Path2D that a route or an outline needs. */
export interface PathSink {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  bezierCurveTo(ax: number, ay: number, bx: number, by: number, x: number, y: number): void;
  arcTo(ax: number, ay: number, x: number, y: number, radius: number): void;
}

const CORNER = 8;

export function traceRoute(path: PathSink, way: Route): void {
  const p = way.points, n = p.length;
  path.moveTo(p[0]!, p[1]!);
  if (way.curve) { path.bezierCurveTo(p[2]!, p[3]!, p[4]!, p[5]!, p[6]!, p[7]!); return; }
  for (let i = 2; i < n - 2; i += 2) {
    const before = Math.hypot(p[i]! - p[i - 2]!, p[i + 1]! - p[i - 1]!);
    const after = Math.hypot(p[i + 2]! - p[i]!, p[i + 3]! - p[i + 1]!);
    path.arcTo(p[i]!, p[i + 1]!, p[i + 2]!, p[i + 3]!, Math.min(CORNER, before / 2, after / 2));
  }
  path.lineTo(p[n - 2]!, p[n - 1]!);
}
