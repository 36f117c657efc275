import type { BoardNode } from '../codec';
import { centre, grow, type Rect } from '../geometry';
import { resizeBox, type Handle } from '../hit';
import { Snapper, toGrid } from '../snap';
import { GRID_STEP, type Workspace } from '../workspace';
import type { Gesture, Pointer } from './gesture';
import { SNAP_REACH } from './move';

export const MIN_SIZE = 16;

/** Drags a side or corner of the selection's box; several nodes scale together. Shift keeps the proportions, alt the middle. */
export class Resize implements Gesture {
  readonly cursor: string;
  readonly scrolls = true;
  readonly #nodes: BoardNode[];
  readonly #from: Rect;
  readonly #snapper: Snapper;
  #to: Map<string, Rect> = new Map();

  constructor(private readonly workspace: Workspace, private readonly start: Pointer, private readonly handle: Handle) {
    const { scene, selection, camera } = workspace;
    this.cursor = `${handle}-resize`;
    this.#nodes = [...selection.ids].map(id => scene.nodes.get(id)).filter(node => node !== undefined && !node.locked) as BoardNode[];
    this.#from = resizeBox(scene, selection) ?? { x: 0, y: 0, w: 1, h: 1 };
    const ids = new Set(this.#nodes.map(node => node.id));
    this.#snapper = new Snapper(workspace.snap.objects
      ? scene.nodesIn(grow(camera.visible(), 100 / camera.zoom)).filter(node => !ids.has(node.id) && !scene.hasAncestorIn(node, ids))
      : []);
  }

  move(pointer: Pointer): void {
    const { workspace, handle } = this, { feedback, camera } = workspace;
    const sides = { left: handle.includes('w'), right: handle.includes('e'), top: handle.includes('n'), bottom: handle.includes('s') };
    let dx = pointer.board.x - this.start.board.x, dy = pointer.board.y - this.start.board.y;
    feedback.guides = [];
    if (!pointer.mod) {
      const dragged = stretch(this.#from, sides, dx, dy, false, pointer.alt);
      const snapped = this.#snapper.sides(dragged, sides, SNAP_REACH / camera.zoom);
      if (workspace.snap.grid) {
        if (snapped.dx === 0 && (sides.left || sides.right)) { const side = sides.left ? dragged.x : dragged.x + dragged.w; dx += toGrid(side, GRID_STEP) - side; }
        if (snapped.dy === 0 && (sides.top || sides.bottom)) { const side = sides.top ? dragged.y : dragged.y + dragged.h; dy += toGrid(side, GRID_STEP) - side; }
      }
      dx += snapped.dx; dy += snapped.dy;
      if (!pointer.shift) feedback.guides = snapped.guides;
    }
    const box = stretch(this.#from, sides, dx, dy, pointer.shift, pointer.alt);
    const sx = box.w / Math.max(this.#from.w, 1e-6), sy = box.h / Math.max(this.#from.h, 1e-6);
    this.#to = new Map(this.#nodes.map(node => [node.id, {
      x: box.x + (node.x - this.#from.x) * sx, y: box.y + (node.y - this.#from.y) * sy,
      w: Math.max(MIN_SIZE, node.w * sx), h: Math.max(MIN_SIZE, node.h * sy),
    }]));
    feedback.busy = true;
    workspace.scene.lift(this.#to);
    workspace.share(Object.fromEntries([...this.#to].map(([id, r]) => [id, [r.x, r.y, r.w, r.h]])));
    workspace.redraw();
  }

  end(): void {
    const items = [...this.#to].filter(([id]) => this.workspace.scene.nodes.has(id)).map(([id, rect]) => ({ id, ...rect }));
    this.#clear();
    if (items.length > 0) void this.workspace.outbox.push({ type: 'resize', items });
  }

  cancel(): void { this.#clear(); }

  #clear(): void {
    this.workspace.scene.lift(this.#nodes.map(node => [node.id, null] as const));
    this.workspace.feedback.guides = [];
    this.workspace.feedback.busy = false;
    this.workspace.share(null);
    this.workspace.redraw();
  }
}

export function stretch(
  from: Rect, sides: { left: boolean; right: boolean; top: boolean; bottom: boolean },
  dx: number, dy: number, proportional: boolean, fromCentre: boolean,
): Rect {
  const grip = fromCentre ? 2 : 1;
  let w = Math.max(MIN_SIZE, from.w + (sides.right ? dx : sides.left ? -dx : 0) * grip);
  let h = Math.max(MIN_SIZE, from.h + (sides.bottom ? dy : sides.top ? -dy : 0) * grip);
  if (proportional && from.w > 0 && from.h > 0) {
    const across = sides.left || sides.right, along = sides.top || sides.bottom;
    const scale = across && along ? Math.max(w / from.w, h / from.h) : across ? w / from.w : h / from.h;
    w = from.w * scale; h = from.h * scale;
  }
  const middle = centre(from);
  const x = fromCentre || (!sides.left && !sides.right) ? middle.x - w / 2 : sides.left ? from.x + from.w - w : from.x;
  const y = fromCentre || (!sides.top && !sides.bottom) ? middle.y - h / 2 : sides.top ? from.y + from.h - h : from.y;
  return { x, y, w, h };
}
