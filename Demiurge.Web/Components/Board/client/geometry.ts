/** Points and rectangles in board units unless a name says `screen` (CSS pixels relative to the board element). */
export interface Point { x: number; y: number }
export interface Rect { x: number; y: number; w: number; h: number }

export type Port = 'top' | 'right' | 'bottom' | 'left';
export const PORTS: readonly Port[] = ['top', 'right', 'bottom', 'left'];

export function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}

export function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

export function rectFromPoints(a: Point, b: Point): Rect {
  return { x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), w: Math.abs(a.x - b.x), h: Math.abs(a.y - b.y) };
}

export function grow(rect: Rect, by: number): Rect {
  return { x: rect.x - by, y: rect.y - by, w: rect.w + 2 * by, h: rect.h + 2 * by };
}

export function centre(rect: Rect): Point {
  return { x: rect.x + rect.w / 2, y: rect.y + rect.h / 2 };
}

export function contains(rect: Rect, point: Point): boolean {
  return point.x >= rect.x && point.x <= rect.x + rect.w && point.y >= rect.y && point.y <= rect.y + rect.h;
}

export function containsRect(outer: Rect, inner: Rect): boolean {
  return inner.x >= outer.x && inner.y >= outer.y
    && inner.x + inner.w <= outer.x + outer.w && inner.y + inner.h <= outer.y + outer.h;
}

export function intersects(a: Rect, b: Rect): boolean {
  return a.x <= b.x + b.w && b.x <= a.x + a.w && a.y <= b.y + b.h && b.y <= a.y + a.h;
}

export function union(a: Rect | null, b: Rect): Rect {
  if (!a) return { ...b };
  const x = Math.min(a.x, b.x), y = Math.min(a.y, b.y);
  return { x, y, w: Math.max(a.x + a.w, b.x + b.w) - x, h: Math.max(a.y + a.h, b.y + b.h) - y };
}

export function unionAll(rects: Iterable<Rect>): Rect | null {
  let all: Rect | null = null;
  for (const rect of rects) all = union(all, rect);
  return all;
}

/** Distance from a point to the segment a–b. */
export function distanceToSegment(p: Point, ax: number, ay: number, bx: number, by: number): number {
  const dx = bx - ax, dy = by - ay;
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : clamp(((p.x - ax) * dx + (p.y - ay) * dy) / length, 0, 1);
  return Math.hypot(p.x - ax - t * dx, p.y - ay - t * dy);
}

/** Does the segment a–b touch the rectangle? (Liang–Barsky) */
export function segmentTouches(rect: Rect, ax: number, ay: number, bx: number, by: number): boolean {
  const dx = bx - ax, dy = by - ay;
  let enter = 0, leave = 1;
  const sides: [number, number][] = [
    [-dx, ax - rect.x], [dx, rect.x + rect.w - ax], [-dy, ay - rect.y], [dy, rect.y + rect.h - ay],
  ];
  for (const [p, q] of sides) {
    if (p === 0) { if (q < 0) return false; continue; }
    const t = q / p;
    if (p < 0) { if (t > leave) return false; if (t > enter) enter = t; }
    else { if (t < enter) return false; if (t < leave) leave = t; }
  }
  return true;
}
