import type { Hit } from '../hit';
import { nearestPort } from '../routes';
import { SHAPES } from '../shapes';
import type { Workspace } from '../workspace';
import { Connect } from './connect';
import { Create, createNode } from './create';
import { Press, type Gesture, type Pointer } from './gesture';
import { Marquee } from './marquee';
import { Move } from './move';
import { Pan } from './pan';
import { Relink } from './relink';
import { Resize } from './resize';

export const TOOLS: readonly string[] = ['select', 'hand', 'note', 'text', 'frame', 'connector', ...SHAPES];

/** Which gesture a press starts, by tool and by what lies under the pointer. */
export function begin(workspace: Workspace, tool: string, hit: Hit, pointer: Pointer): Gesture {
  const { camera, selection, scene } = workspace;
  const redraw = (): void => workspace.redraw();
  if (tool === 'hand') return new Pan(camera, pointer, redraw);
  if (workspace.viewer) return viewing(workspace, hit, pointer);
  if (tool === 'connector') {
    if (hit?.on === 'port') return new Connect(workspace, { node: hit.node.id, port: hit.port });
    if (hit?.on === 'node' && hit.node.kind !== 'frame') {
      return new Connect(workspace, { node: hit.node.id, port: nearestPort(hit.node, pointer.board) });
    }
    return new Press(pointer, start => new Marquee(workspace, start), () => selection.clear());
  }
  if (tool !== 'select') return new Create(workspace, tool, pointer);

  switch (hit?.on) {
    case 'handle': return new Resize(workspace, pointer, hit.handle);
    case 'port': return new Press(pointer, () => new Connect(workspace, { node: hit.node.id, port: hit.port }), () => undefined);
    case 'end': return new Press(pointer, () => new Relink(workspace, hit.edge, hit.end), () => undefined);
    case 'edge':
      if (!selection.has(hit.edge.id)) choose(workspace, hit.edge.id, pointer);
      return new Press(pointer, start => pointer.touch ? new Pan(camera, start, redraw) : new Marquee(workspace, start), () => undefined);
    case 'node': {
      const { id, locked } = hit.node;
      const selected = selection.has(id);
      if (hit.part === 'inside' && !selected) {
        return new Press(pointer, start => pointer.touch ? new Pan(camera, start, redraw) : new Marquee(workspace, start), () => choose(workspace, id, pointer));
      }
      if (pointer.touch && !selected) return new Press(pointer, start => new Pan(camera, start, redraw), () => choose(workspace, id, pointer));
      // An unselected node is taken up by the press itself; one of several is singled out only by a click without a drag.
      const fresh = !selected;
      if (fresh) choose(workspace, id, pointer);
      return new Press(
        pointer,
        start => locked ? new Marquee(workspace, start) : new Move(workspace, start),
        up => {
          if (fresh) return;
          if (up.shift) selection.toggle(id);
          else if (hit.node.kind === 'container' && selection.size === 1) workspace.interact(id);
          else selection.set([id]);
        });
    }
    default:
      return new Press(
        pointer,
        start => pointer.touch ? new Pan(camera, start, redraw) : new Marquee(workspace, start),
        up => { if (!up.shift) selection.clear(); });
  }

  function choose(at: Workspace, id: string, by: Pointer): void {
    if (by.shift) at.selection.toggle(id);
    else if (scene.nodes.has(id) || scene.edges.has(id)) at.selection.set([id]);
  }
}

/** A viewer may look around and select, to see what something is or to copy it. */
function viewing(workspace: Workspace, hit: Hit, pointer: Pointer): Gesture {
  const { selection, camera } = workspace;
  return new Press(
    pointer,
    start => pointer.touch || hit?.on === 'node' ? new Pan(camera, start, () => workspace.redraw()) : new Marquee(workspace, start),
    up => {
      const id = hit?.on === 'node' ? hit.node.id : hit?.on === 'edge' ? hit.edge.id : null;
      if (!id) selection.clear(); else if (up.shift) selection.toggle(id); else selection.set([id]);
    });
}

/** A double click: edits what has text, starts a text on the empty board. */
export function doubleClick(workspace: Workspace, hit: Hit, pointer: Pointer): void {
  if (hit?.on === 'node' && hit.node.kind === 'container') { workspace.interact(hit.node.id); return; }
  if (workspace.viewer) return;
  if (hit?.on === 'edge') { workspace.selection.set([hit.edge.id]); workspace.edit(hit.edge.id); return; }
  if (hit?.on === 'node' && hit.part !== 'inside') { if (!hit.node.locked) workspace.edit(hit.node.id); return; }
  if (hit === null || hit.on === 'node') {
    const { x, y } = pointer.board;
    createNode(workspace, 'text', { x, y: y - 17, w: 200, h: 34 });
  }
}
