import { unionAll, type Rect } from './geometry';

export type Alignment = 'left' | 'center' | 'right' | 'top' | 'middle' | 'bottom';
export interface Placed extends Rect { id: string }

/** New places of boxes lined up on one side or middle of all of them. */
export function align(boxes: readonly Placed[], to: Alignment): { id: string; x: number; y: number }[] {
  const all = unionAll(boxes);
  if (!all) return [];
  return boxes.map(({ id, x, y, w, h }) => {
    switch (to) {
      case 'left': return { id, x: all.x, y };
      case 'center': return { id, x: all.x + (all.w - w) / 2, y };
      case 'right': return { id, x: all.x + all.w - w, y };
      case 'top': return { id, x, y: all.y };
      case 'middle': return { id, x, y: all.y + (all.h - h) / 2 };
      case 'bottom': return { id, x, y: all.y + all.h - h };
    }
  });
}

/** New places with equal gaps along an axis; the outermost two stay. */
export function distribute(boxes: readonly Placed[], axis: 'x' | 'y'): { id: string; x: number; y: number }[] {
  if (boxes.length < 3) return [];
  const size = axis === 'x' ? 'w' : 'h';
  const sorted = [...boxes].sort((a, b) => a[axis] + a[size] / 2 - b[axis] - b[size] / 2);
  const first = sorted[0]!, last = sorted[sorted.length - 1]!;
  const taken = sorted.reduce((sum, box) => sum + box[size], 0);
  const gap = (last[axis] + last[size] - first[axis] - taken) / (sorted.length - 1);
  let at = first[axis];
  return sorted.map(box => {
    const place = { id: box.id, x: box.x, y: box.y, [axis]: at };
    at += box[size] + gap;
    return place;
  });
}
