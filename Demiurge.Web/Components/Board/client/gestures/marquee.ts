import { containsRect, intersects, rectFromPoints } from '../geometry';
import { routeTouches } from '../routes';
import type { Workspace } from '../workspace';
import type { Gesture, Pointer } from './gesture';

/** Selects what the rectangle touches; frames only when they lie in it whole. Shift adds to what was selected. */
export class Marquee implements Gesture {
  readonly scrolls = true;
  readonly cursor = 'crosshair';
  readonly #before: ReadonlySet<string>;

  constructor(private readonly workspace: Workspace, private readonly start: Pointer) {
    this.#before = start.shift ? workspace.selection.ids : new Set();
  }

  move(pointer: Pointer): void {
    const { scene, selection, feedback } = this.workspace;
    const rect = rectFromPoints(this.start.board, pointer.board);
    feedback.marquee = rect;
    feedback.busy = true;
    const inside = new Set<string>();
    for (const node of scene.nodesIn(rect)) {
      if (node.locked) continue;
      if (node.kind === 'frame' ? containsRect(rect, node) : intersects(rect, node)) inside.add(node.id);
    }
    const picked = new Set(scene.topmost(inside).map(node => node.id));
    for (const edge of scene.edgesIn(rect)) {
      const way = scene.way(edge);
      if (way && !picked.has(edge.id) && routeTouches(way, rect)) picked.add(edge.id);
    }
    selection.set([...this.#before, ...picked]);
    this.workspace.redraw();
  }

  end(): void { this.#clear(); }

  cancel(): void {
    this.workspace.selection.set(this.#before);
    this.#clear();
  }

  #clear(): void {
    this.workspace.feedback.marquee = null;
    this.workspace.feedback.busy = false;
    this.workspace.redraw();
  }
}
