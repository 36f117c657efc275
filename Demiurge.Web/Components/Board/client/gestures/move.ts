import type { BoardNode } from '../codec';
import { newId } from '../commands';
import { centre, grow, unionAll, type Rect } from '../geometry';
import { Snapper, toGrid } from '../snap';
import { GRID_STEP, type Workspace } from '../workspace';
import type { Gesture, Pointer } from './gesture';

/** How near, in CSS pixels, a line pulls. */
export const SNAP_REACH = 6;

/**
 * Drags the selected nodes. Shift keeps to one axis, alt leaves the originals and drops copies, mod switches snapping off.
 * Everything is local until the release sends one command.
 */
export class Move implements Gesture {
  readonly cursor = 'grabbing';
  readonly scrolls = true;
  readonly #tops: BoardNode[];
  readonly #inner: BoardNode[];
  readonly #ids: ReadonlySet<string>;
  readonly #bounds: Rect;
  readonly #snapper: Snapper;
  #dx = 0;
  #dy = 0;
  #copying = false;

  constructor(private readonly workspace: Workspace, private readonly start: Pointer) {
    const { scene, selection, camera } = workspace;
    this.#tops = scene.topmost(selection.ids).filter(node => !node.locked);
    const all = new Set<string>();
    for (const node of this.#tops) scene.withDescendants(node.id, all);
    this.#ids = all;
    this.#inner = [...all].map(id => scene.nodes.get(id)).filter(node => node !== undefined);
    this.#bounds = unionAll(this.#tops) ?? { x: 0, y: 0, w: 0, h: 0 };
    const around = scene.nodesIn(grow(camera.visible(), 100 / camera.zoom)).filter(node => !all.has(node.id));
    this.#snapper = new Snapper(workspace.snap.objects ? around : []);
  }

  move(pointer: Pointer): void {
    const { workspace } = this, { scene, feedback, camera } = workspace;
    let dx = pointer.board.x - this.start.board.x, dy = pointer.board.y - this.start.board.y;
    if (pointer.shift) { if (Math.abs(dx) > Math.abs(dy)) dy = 0; else dx = 0; }
    feedback.guides = [];
    if (!pointer.mod) {
      const at = { ...this.#bounds, x: this.#bounds.x + dx, y: this.#bounds.y + dy };
      const snapped = this.#snapper.box(at, SNAP_REACH / camera.zoom);
      if (workspace.snap.grid) {
        if (snapped.dx === 0) dx = toGrid(at.x, GRID_STEP) - this.#bounds.x;
        if (snapped.dy === 0) dy = toGrid(at.y, GRID_STEP) - this.#bounds.y;
      }
      const freeX = !pointer.shift || dx !== 0, freeY = !pointer.shift || dy !== 0;
      if (freeX) dx += snapped.dx;
      if (freeY) dy += snapped.dy;
      feedback.guides = snapped.guides.filter(g => g.axis === 'x' ? freeX : freeY);
    }
    this.#dx = dx; this.#dy = dy;
    this.#copying = pointer.alt;
    feedback.busy = true;
    feedback.dropFrame = this.#frameFor(pointer);
    const boxes = this.#inner.map(node => [node.id, { x: node.x + dx, y: node.y + dy, w: node.w, h: node.h }] as const);
    if (this.#copying) {
      scene.lift(this.#inner.map(node => [node.id, null] as const));
      feedback.ghosts = this.#inner.map((node, i) => ({ node, box: boxes[i]![1] }));
      workspace.share(null);
    } else {
      feedback.ghosts = [];
      scene.lift(boxes);
      workspace.share(Object.fromEntries(this.#tops.map(node => [node.id, [node.x + dx, node.y + dy]])));
    }
    workspace.redraw();
  }

  end(): void {
    const { scene, outbox, selection } = this.workspace;
    const dx = this.#dx, dy = this.#dy, copying = this.#copying;
    this.#clear();
    if (dx === 0 && dy === 0) return;
    if (copying) {
      const map = copyMap(scene, this.#ids);
      void outbox.push({ type: 'duplicate', map, dx, dy });
      selection.set(this.#tops.map(node => map[node.id]!));
      return;
    }
    const items = this.#tops.filter(node => scene.nodes.has(node.id)).map(node => {
      const box = { x: node.x + dx, y: node.y + dy, w: node.w, h: node.h };
      const parent = scene.frameAt(centre(box), this.#ids)?.id ?? '';
      return parent === node.parent ? { id: node.id, x: box.x, y: box.y } : { id: node.id, x: box.x, y: box.y, parent };
    });
    if (items.length > 0) void outbox.push({ type: 'move', items });
  }

  cancel(): void { this.#clear(); }

  #frameFor(pointer: Pointer): string | null {
    const frame = this.workspace.scene.frameAt(pointer.board, this.#ids);
    return frame && this.#tops.some(node => node.parent !== frame.id) ? frame.id : null;
  }

  #clear(): void {
    const { scene, feedback } = this.workspace;
    scene.lift(this.#inner.map(node => [node.id, null] as const));
    feedback.guides = []; feedback.ghosts = []; feedback.dropFrame = null; feedback.busy = false;
    this.workspace.share(null);
    this.workspace.redraw();
  }
}

/** Fresh ids for nodes and for the edges that run between them. */
export function copyMap(scene: Workspace['scene'], nodes: ReadonlySet<string>): Record<string, string> {
  const map: Record<string, string> = {};
  for (const id of nodes) {
    map[id] = newId();
    for (const edgeId of scene.edgesOf(id)) {
      const edge = scene.edges.get(edgeId);
      if (edge && !map[edgeId] && nodes.has(edge.from.node) && nodes.has(edge.to.node)) map[edgeId] = newId();
    }
  }
  return map;
}
