import { newId } from '../commands';
import { type Port } from '../geometry';
import { nodeAt } from '../hit';
import { nearestPort } from '../routes';
import { traitsOf } from '../shapes';
import type { Workspace } from '../workspace';
import type { Gesture, Pointer } from './gesture';

/** The node a connection would end at: the one under the pointer or just beside it. */
export function target(workspace: Workspace, pointer: Pointer, except: string): { node: string; port: Port } | null {
  const node = nodeAt(workspace.scene, pointer.board, (pointer.touch ? 24 : 14) / workspace.camera.zoom);
  if (!node || node.id === except) return null;
  return { node: node.id, port: nearestPort(workspace.scene.box(node.id) ?? node, pointer.board) };
}

const OPPOSITE: Record<Port, Port> = { top: 'bottom', right: 'left', bottom: 'top', left: 'right' };

/** Draws an edge out of a port. Dropped on a node it connects; dropped on nothing it offers a node to create there. */
export class Connect implements Gesture {
  readonly cursor = 'crosshair';
  readonly scrolls = true;

  constructor(private readonly workspace: Workspace, private readonly from: { node: string; port: Port }) {}

  move(pointer: Pointer): void {
    const { feedback } = this.workspace;
    const to = target(this.workspace, pointer, this.from.node);
    feedback.connection = { from: this.from, to, at: pointer.board };
    feedback.busy = true;
    feedback.hovered = to?.node ?? null;
    this.workspace.redraw();
  }

  end(pointer: Pointer): void {
    const { workspace, from } = this;
    this.#clear();
    const to = target(workspace, pointer, from.node);
    if (to) {
      const id = newId();
      void workspace.outbox.push({ type: 'connect', edge: { id, from, to } });
      workspace.selection.set([id]);
      return;
    }
    const source = workspace.scene.nodes.get(from.node);
    const near = source && nodeAt(workspace.scene, pointer.board, 14 / workspace.camera.zoom)?.id === source.id;
    if (!source || near) return;
    workspace.feedback.connection = { from, to: null, at: pointer.board };
    workspace.offer(pointer.board, kind => {
      workspace.feedback.connection = null;
      workspace.redraw();
      if (!kind) return;
      const { w, h } = traitsOf(kind), node = newId(), edge = newId(), port = OPPOSITE[from.port];
      const { x, y } = pointer.board;
      const place = {
        top: { x: x - w / 2, y }, bottom: { x: x - w / 2, y: y - h },
        left: { x, y: y - h / 2 }, right: { x: x - w, y: y - h / 2 },
      }[port];
      const parent = workspace.scene.frameAt(pointer.board)?.id ?? '';
      void workspace.outbox.push(
        { type: 'create', node: { id: node, kind, ...place, w, h, parent } },
        { type: 'connect', edge: { id: edge, from, to: { node, port } } });
      workspace.selection.set([node]);
      workspace.edit(node);
    });
  }

  cancel(): void { this.#clear(); }

  #clear(): void {
    const { feedback } = this.workspace;
    feedback.connection = null; feedback.busy = false; feedback.hovered = null;
    this.workspace.redraw();
  }
}
