import type { Rect } from './geometry';

interface Entry<T> { item: T; x0: number; y0: number; x1: number; y1: number; cells: number[]; stamp: number }

/** Above this many cells an item is kept in a list that every query scans instead. */
const MAX_CELLS = 64;

/**
 * Rectangles by id in a uniform grid of square cells. A query touches the cells under it, so its cost follows what is
 * near, not the size of the board. Coordinates are folded into 16 bits per axis: far-apart cells may share a bucket,
 * which costs a comparison and never a wrong answer.
 */
export class SpatialGrid<T> {
  readonly #cell: number;
  readonly #buckets = new Map<number, Entry<T>[]>();
  readonly #entries = new Map<string, Entry<T>>();
  readonly #large = new Set<Entry<T>>();
  #stamp = 0;

  constructor(cell = 512) { this.#cell = cell; }

  get size(): number { return this.#entries.size; }

  set(id: string, item: T, rect: Rect): void {
    this.delete(id);
    const entry: Entry<T> = { item, x0: rect.x, y0: rect.y, x1: rect.x + rect.w, y1: rect.y + rect.h, cells: [], stamp: 0 };
    this.#entries.set(id, entry);
    const c0 = Math.floor(entry.x0 / this.#cell), c1 = Math.floor(entry.x1 / this.#cell);
    const r0 = Math.floor(entry.y0 / this.#cell), r1 = Math.floor(entry.y1 / this.#cell);
    if (!((c1 - c0 + 1) * (r1 - r0 + 1) <= MAX_CELLS)) { this.#large.add(entry); return; }
    for (let c = c0; c <= c1; c++) {
      for (let r = r0; r <= r1; r++) {
        const key = bucket(c, r);
        const list = this.#buckets.get(key);
        if (list) list.push(entry); else this.#buckets.set(key, [entry]);
        entry.cells.push(key);
      }
    }
  }

  delete(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#entries.delete(id);
    this.#large.delete(entry);
    for (const key of entry.cells) {
      const list = this.#buckets.get(key);
      if (!list) continue;
      const at = list.indexOf(entry);
      if (at >= 0) { list[at] = list[list.length - 1]!; list.pop(); }
      if (list.length === 0) this.#buckets.delete(key);
    }
  }

  clear(): void {
    this.#buckets.clear(); this.#entries.clear(); this.#large.clear();
  }

  /** Appends every item whose rectangle touches `rect` to `into` (reused by callers that run each frame), in no order. */
  query(rect: Rect, into: T[]): T[] {
    const stamp = ++this.#stamp;
    const x1 = rect.x + rect.w, y1 = rect.y + rect.h;
    const take = (entry: Entry<T>): void => {
      if (entry.stamp === stamp) return;
      entry.stamp = stamp;
      if (entry.x0 <= x1 && entry.x1 >= rect.x && entry.y0 <= y1 && entry.y1 >= rect.y) into.push(entry.item);
    };
    const c0 = Math.floor(rect.x / this.#cell), c1 = Math.floor(x1 / this.#cell);
    const r0 = Math.floor(rect.y / this.#cell), r1 = Math.floor(y1 / this.#cell);
    if ((c1 - c0 + 1) * (r1 - r0 + 1) > this.#buckets.size) {
      for (const entry of this.#entries.values()) take(entry);
      return into;
    }
    for (const entry of this.#large) take(entry);
    for (let c = c0; c <= c1; c++) {
      for (let r = r0; r <= r1; r++) {
        const list = this.#buckets.get(bucket(c, r));
        if (list) for (let i = 0; i < list.length; i++) take(list[i]!);
      }
    }
    return into;
  }
}

function bucket(column: number, row: number): number {
  return ((column & 0xffff) << 16) | (row & 0xffff);
}
