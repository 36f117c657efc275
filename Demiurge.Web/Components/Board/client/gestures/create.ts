import { newId } from '../commands';
import { centre, rectFromPoints, type Rect } from '../geometry';
import { traitsOf } from '../shapes';
import { toGrid } from '../snap';
import { GRID_STEP, type Workspace } from '../workspace';
import type { Gesture, Pointer } from './gesture';

/** Draws a new node: a click gives the kind's usual size, a drag the size dragged (shift: a square). */
export class Create implements Gesture {
  readonly cursor = 'crosshair';
  readonly scrolls = true;
  #box: Rect | null = null;

  constructor(private readonly workspace: Workspace, private readonly kind: string, private readonly start: Pointer) {}

  move(pointer: Pointer): void {
    const { workspace } = this;
    const to = { ...pointer.board };
    if (pointer.shift) {
      const side = Math.max(Math.abs(to.x - this.start.board.x), Math.abs(to.y - this.start.board.y));
      to.x = this.start.board.x + Math.sign(to.x - this.start.board.x || 1) * side;
      to.y = this.start.board.y + Math.sign(to.y - this.start.board.y || 1) * side;
    }
    const far = Math.max(Math.abs(to.x - this.start.board.x), Math.abs(to.y - this.start.board.y)) * workspace.camera.zoom >= 8;
    this.#box = far ? rectFromPoints(this.start.board, to) : null;
    if (this.#box && workspace.snap.grid && !pointer.mod) this.#box = gridded(this.#box);
    workspace.feedback.draft = this.#box ? { kind: this.kind, box: this.#box } : null;
    workspace.feedback.busy = true;
    workspace.redraw();
  }

  end(pointer: Pointer): void {
    const traits = traitsOf(this.kind);
    let box = this.#box;
    if (box) box = { x: box.x, y: box.y, w: Math.max(box.w, 24), h: Math.max(box.h, this.kind === 'text' ? traits.h : 24) };
    else {
      const { x, y } = pointer.board;
      box = this.kind === 'text' ? { x, y: y - traits.h / 2, w: traits.w, h: traits.h } : { x: x - traits.w / 2, y: y - traits.h / 2, w: traits.w, h: traits.h };
      if (this.workspace.snap.grid) box = { ...box, x: toGrid(box.x, GRID_STEP), y: toGrid(box.y, GRID_STEP) };
    }
    this.#clear();
    createNode(this.workspace, this.kind, box);
    this.workspace.setTool('select');
  }

  cancel(): void { this.#clear(); }

  #clear(): void {
    this.workspace.feedback.draft = null;
    this.workspace.feedback.busy = false;
    this.workspace.redraw();
  }
}

/** Creates, selects and, where text is the point of it, opens a node for typing. */
export function createNode(workspace: Workspace, kind: string, box: Rect, text = ''): string {
  const id = newId(), { fill, stroke, color, fontSize } = workspace.nextStyle;
  const parent = workspace.scene.frameAt(centre(box))?.id ?? '';
  const style = kind === 'text' ? { color, fontSize } : kind === 'frame' ? {} : { fill, stroke: kind === 'note' ? undefined : stroke, color, fontSize };
  const set = Object.fromEntries(Object.entries(style).filter(([, value]) => value !== undefined));
  void workspace.outbox.push({ type: 'create', node: { id, kind, ...box, parent, style: set, ...(text ? { text } : {}) } });
  workspace.selection.set([id]);
  if ((kind === 'text' || kind === 'note') && !text) workspace.edit(id);
  return id;
}

function gridded(box: Rect): Rect {
  const x = toGrid(box.x, GRID_STEP), y = toGrid(box.y, GRID_STEP);
  return { x, y, w: Math.max(GRID_STEP, toGrid(box.x + box.w, GRID_STEP) - x), h: Math.max(GRID_STEP, toGrid(box.y + box.h, GRID_STEP) - y) };
}
