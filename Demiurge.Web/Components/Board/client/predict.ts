import type { BoardEdge, BoardNode } from './codec';
import type { Arrow, BoardCommand, EdgeDraft, NodeDraft, StackTarget } from './commands';
import type { Effects, Scene } from './scene';

const LABEL_LENGTH = 80;

/** What the server will make of a batch, as far as the scene shows it. The server's own answer replaces it. */
export function predict(scene: Scene, commands: readonly BoardCommand[]): Effects {
  const effects: Effects = { nodes: new Map(), edges: new Map() };
  let top = scene.maxZ();

  const patchNode = (id: string, patch: Partial<BoardNode>): void => {
    const before = effects.nodes.get(id);
    if (before === null || (!before && !scene.nodes.has(id))) return;
    effects.nodes.set(id, { ...before, ...patch });
  };
  const patchEdge = (id: string, patch: Partial<BoardEdge>): void => {
    const before = effects.edges.get(id);
    if (before === null || (!before && !scene.edges.has(id))) return;
    effects.edges.set(id, { ...before, ...patch });
  };
  const move = (node: BoardNode, x: number, y: number): void => {
    const dx = x - node.x, dy = y - node.y;
    for (const id of scene.withDescendants(node.id)) {
      const inner = scene.nodes.get(id);
      if (inner) patchNode(id, { x: inner.x + dx, y: inner.y + dy });
    }
  };

  for (const command of commands) {
    switch (command.type) {
      case 'create': effects.nodes.set(command.node.id, nodeOf(command.node, ++top)); break;
      case 'connect': effects.edges.set(command.edge.id, edgeOf(command.edge)); break;
      case 'paste':
        for (const node of command.nodes) effects.nodes.set(node.id, nodeOf(node, ++top));
        for (const edge of command.edges) effects.edges.set(edge.id, edgeOf(edge));
        break;
      case 'duplicate': {
        const to = (id: string): string => command.map[id] ?? id;
        const sources = Object.keys(command.map).map(id => scene.nodes.get(id)).filter(n => n !== undefined);
        sources.sort((a, b) => scene.rank(a.id) - scene.rank(b.id));
        for (const node of sources) {
          effects.nodes.set(to(node.id), { ...node, id: to(node.id), x: node.x + command.dx, y: node.y + command.dy, parent: to(node.parent), z: ++top });
        }
        for (const [old, fresh] of Object.entries(command.map)) {
          const edge = scene.edges.get(old);
          if (!edge) continue;
          effects.edges.set(fresh, {
            ...edge, id: fresh,
            from: { node: to(edge.from.node), port: edge.from.port }, to: { node: to(edge.to.node), port: edge.to.port },
          });
        }
        break;
      }
      case 'move':
        for (const item of command.items) {
          const node = scene.nodes.get(item.id);
          if (!node) continue;
          move(node, item.x, item.y);
          if (item.parent !== undefined) patchNode(item.id, { parent: item.parent });
        }
        break;
      case 'resize':
        for (const { id, x, y, w, h } of command.items) patchNode(id, { x, y, w, h });
        break;
      case 'delete':
        for (const id of command.ids) {
          if (scene.edges.has(id)) { effects.edges.set(id, null); continue; }
          for (const gone of scene.withDescendants(id)) {
            effects.nodes.set(gone, null);
            for (const edge of scene.edgesOf(gone)) effects.edges.set(edge, null);
          }
        }
        break;
      case 'style': {
        const { fill, stroke, color, fontSize, align, width, dash, arrow, kind } = command.patch;
        for (const id of command.ids) {
          if (scene.edges.has(id)) patchEdge(id, defined<Partial<BoardEdge>>({ color, width, kind, dashed: dash, ...arrows(arrow) }));
          else patchNode(id, defined<Partial<BoardNode>>({ fill, stroke, color, fontSize, align }));
        }
        break;
      }
      case 'order':
        for (const [id, z] of reorder(scene, command.ids, command.to)) patchNode(id, { z });
        break;
      case 'updateEdge': {
        const { from, to, kind, label } = command;
        patchEdge(command.id, defined<Partial<BoardEdge>>({ from, to, kind, label }));
        break;
      }
      case 'text': patchNode(command.id, { label: command.text.slice(0, LABEL_LENGTH), hasText: command.text !== '' }); break;
      case 'lock':
        for (const id of command.ids) patchNode(id, { locked: command.locked });
        break;
    }
  }
  return effects;
}

function nodeOf(draft: NodeDraft, z: number): BoardNode {
  const { id, kind, x, y, w, h } = draft, text = draft.text ?? '';
  return {
    id, kind, x, y, w, h, z, parent: draft.parent ?? '',
    fill: draft.style?.fill ?? '', stroke: draft.style?.stroke ?? '', color: draft.style?.color ?? '',
    fontSize: draft.style?.fontSize ?? 0, align: draft.style?.align ?? '', locked: false, hasText: text !== '', label: text.slice(0, LABEL_LENGTH),
  };
}

function edgeOf(draft: EdgeDraft): BoardEdge {
  return {
    id: draft.id, from: draft.from, to: draft.to, kind: draft.kind ?? 'bezier',
    color: draft.style?.color ?? '', width: draft.style?.width ?? 0,
    arrowEnd: draft.style?.arrow !== 'none', arrowStart: draft.style?.arrow === 'both',
    dashed: draft.style?.dash ?? false, label: draft.label ?? '',
  };
}

/** New z values: front and back keep the moved ones' mutual order; forward and backward pass one neighbour. */
export function reorder(scene: Scene, ids: readonly string[], to: StackTarget): [string, number][] {
  const moved = new Set(ids);
  const all = [...scene.nodes.values()].sort((a, b) => a.z - b.z || (a.id < b.id ? -1 : 1));
  const chosen = all.filter(n => moved.has(n.id)), rest = all.filter(n => !moved.has(n.id));
  if (chosen.length === 0 || rest.length === 0) return [];
  if (to === 'front') { const top = rest[rest.length - 1]!.z; return chosen.map((n, i) => [n.id, top + 1 + i]); }
  if (to === 'back') { const low = rest[0]!.z; return chosen.map((n, i) => [n.id, low - chosen.length + i]); }
  const result: [string, number][] = [];
  if (to === 'forward') {
    const last = chosen[chosen.length - 1]!;
    const next = rest.findIndex(n => n.z > last.z || (n.z === last.z && n.id > last.id));
    if (next < 0) return [];
    const low = rest[next]!.z, high = rest[next + 1]?.z ?? low + chosen.length + 1;
    chosen.forEach((n, i) => result.push([n.id, low + (high - low) * (i + 1) / (chosen.length + 1)]));
  } else {
    const first = chosen[0]!;
    let next = -1;
    rest.forEach((n, i) => { if (n.z < first.z || (n.z === first.z && n.id < first.id)) next = i; });
    if (next < 0) return [];
    const high = rest[next]!.z, low = rest[next - 1]?.z ?? high - chosen.length - 1;
    chosen.forEach((n, i) => result.push([n.id, low + (high - low) * (i + 1) / (chosen.length + 1)]));
  }
  return result;
}

function arrows(arrow: Arrow | undefined): { arrowEnd?: boolean; arrowStart?: boolean } {
  return arrow === undefined ? {} : { arrowEnd: arrow !== 'none', arrowStart: arrow === 'both' };
}

function defined<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
}
