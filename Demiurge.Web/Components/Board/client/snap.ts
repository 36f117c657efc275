import type { Rect } from './geometry';

/** A line shown while something snaps: from a to b along one axis at `at`. */
export interface Guide { axis: 'x' | 'y'; at: number; from: number; to: number }
export interface Snapped { dx: number; dy: number; guides: Guide[] }

interface Stop { at: number; low: number; high: number }

/**
 * Lines to snap to, taken from the boxes around at the start of a gesture: left, middle and right of each for x, top,
 * middle and bottom for y. Kept sorted, so a move costs a binary search, not a scan.
 */
export class Snapper {
  readonly #x: Stop[] = [];
  readonly #y: Stop[] = [];

  constructor(boxes: Iterable<Rect>) {
    for (const { x, y, w, h } of boxes) {
      for (const at of [x, x + w / 2, x + w]) this.#x.push({ at, low: y, high: y + h });
      for (const at of [y, y + h / 2, y + h]) this.#y.push({ at, low: x, high: x + w });
    }
    this.#x.sort((a, b) => a.at - b.at);
    this.#y.sort((a, b) => a.at - b.at);
  }

  /** How far to push a moving box so that it lines up, at most `reach` per axis. */
  box(box: Rect, reach: number): Snapped {
    const dx = this.#nearest(this.#x, [box.x, box.x + box.w / 2, box.x + box.w], reach);
    const dy = this.#nearest(this.#y, [box.y, box.y + box.h / 2, box.y + box.h], reach);
    const moved = { ...box, x: box.x + (dx ?? 0), y: box.y + (dy ?? 0) };
    return { dx: dx ?? 0, dy: dy ?? 0, guides: this.#guides(moved, dx !== null, dy !== null) };
  }

  /** Likewise for the edges of a box being resized: only the named sides move. */
  sides(box: Rect, sides: { left?: boolean; right?: boolean; top?: boolean; bottom?: boolean }, reach: number): Snapped {
    const dx = this.#nearest(this.#x, [...(sides.left ? [box.x] : []), ...(sides.right ? [box.x + box.w] : [])], reach);
    const dy = this.#nearest(this.#y, [...(sides.top ? [box.y] : []), ...(sides.bottom ? [box.y + box.h] : [])], reach);
    const moved = {
      x: box.x + (sides.left ? dx ?? 0 : 0), y: box.y + (sides.top ? dy ?? 0 : 0),
      w: box.w + (sides.right ? dx ?? 0 : sides.left ? -(dx ?? 0) : 0), h: box.h + (sides.bottom ? dy ?? 0 : sides.top ? -(dy ?? 0) : 0),
    };
    return { dx: dx ?? 0, dy: dy ?? 0, guides: this.#guides(moved, dx !== null, dy !== null) };
  }

  #nearest(stops: readonly Stop[], lines: readonly number[], reach: number): number | null {
    let best: number | null = null;
    for (const line of lines) {
      const at = lowerBound(stops, line);
      for (const stop of [stops[at - 1], stops[at]]) {
        if (!stop) continue;
        const push = stop.at - line;
        if (Math.abs(push) <= reach && (best === null || Math.abs(push) < Math.abs(best))) best = push;
      }
    }
    return best;
  }

  #guides(box: Rect, byX: boolean, byY: boolean): Guide[] {
    const guides: Guide[] = [];
    const collect = (axis: 'x' | 'y', stops: readonly Stop[], lines: readonly number[], low: number, high: number): void => {
      for (const line of lines) {
        let from = low, to = high, found = false;
        for (let i = lowerBound(stops, line - 0.01); i < stops.length && stops[i]!.at <= line + 0.01; i++) {
          found = true;
          from = Math.min(from, stops[i]!.low); to = Math.max(to, stops[i]!.high);
        }
        if (found) guides.push({ axis, at: line, from, to });
      }
    };
    if (byX) collect('x', this.#x, [box.x, box.x + box.w / 2, box.x + box.w], box.y, box.y + box.h);
    if (byY) collect('y', this.#y, [box.y, box.y + box.h / 2, box.y + box.h], box.x, box.x + box.w);
    return guides;
  }
}

function lowerBound(stops: readonly Stop[], at: number): number {
  let low = 0, high = stops.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (stops[mid]!.at < at) low = mid + 1; else high = mid;
  }
  return low;
}

export function toGrid(value: number, step: number): number { return Math.round(value / step) * step; }
