import type { BoardEdge } from '../codec';
import { resolvePort } from '../routes';
import type { Workspace } from '../workspace';
import { target } from './connect';
import type { Gesture, Pointer } from './gesture';

/** Drags one end of an edge to another node or port. Dropped on nothing, the edge stays as it was. */
export class Relink implements Gesture {
  readonly cursor = 'grabbing';
  readonly scrolls = true;

  constructor(private readonly workspace: Workspace, private readonly edge: BoardEdge, private readonly end_: 'from' | 'to') {}

  move(pointer: Pointer): void {
    const { scene, feedback } = this.workspace;
    const fixed = this.end_ === 'to' ? this.edge.from : this.edge.to;
    const box = scene.box(fixed.node);
    if (!box) return;
    const to = target(this.workspace, pointer, fixed.node);
    feedback.connection = {
      from: { node: fixed.node, port: resolvePort(fixed.port, box, pointer.board) },
      to, at: pointer.board, edge: this.edge.id, reversed: this.end_ === 'from',
    };
    feedback.busy = true;
    feedback.hovered = to?.node ?? null;
    this.workspace.redraw();
  }

  end(pointer: Pointer): void {
    const { scene, outbox } = this.workspace;
    const fixed = this.end_ === 'to' ? this.edge.from : this.edge.to;
    const to = target(this.workspace, pointer, fixed.node);
    this.#clear();
    const now = this.edge[this.end_];
    if (to && scene.edges.has(this.edge.id) && (to.node !== now.node || to.port !== now.port)) {
      void outbox.push({ type: 'updateEdge', id: this.edge.id, [this.end_]: to });
    }
  }

  cancel(): void { this.#clear(); }

  #clear(): void {
    const { feedback } = this.workspace;
    feedback.connection = null; feedback.busy = false; feedback.hovered = null;
    this.workspace.redraw();
  }
}
