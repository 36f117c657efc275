import type { BoardEdge, BoardNode } from '../codec';
import { COLOURS } from '../palette';
import { SHAPES, traitsOf } from '../shapes';

export function node(part: Partial<BoardNode> & { id: string; kind: string; x: number; y: number }): BoardNode {
  const { w, h } = traitsOf(part.kind), label = part.label ?? '';
  return { w, h, z: 0, parent: '', fill: '', stroke: '', color: '', fontSize: 0, locked: false, align: '', hasText: label !== '', ...part, label };
}

export function edge(part: Partial<BoardEdge> & { id: string }, from: string, fromPort: string, to: string, toPort: string): BoardEdge {
  return { from: { node: from, port: fromPort }, to: { node: to, port: toPort }, kind: 'bezier', color: '', width: 0, arrowEnd: true, arrowStart: false, dashed: false, label: '', ...part };
}

/** One of everything. */
export function small(): [BoardNode[], BoardEdge[]] {
  const nodes = [
    node({ id: 'frame', kind: 'frame', x: -40, y: -60, w: 560, h: 330, label: 'Sprint 12', z: -1 }),
    node({ id: 'a', kind: 'note', x: 0, y: 0, label: 'Invite the team and try the board together', parent: 'frame', z: 1 }),
    node({ id: 'b', kind: 'note', x: 260, y: 20, fill: 'pink', label: 'Ship it 🚀', parent: 'frame', z: 2 }),
    node({ id: 'title', kind: 'text', x: 0, y: -140, w: 420, h: 48, fontSize: 32, label: 'How a room opens', z: 3 }),
    node({ id: 'web', kind: 'rounded', x: 640, y: -40, fill: 'blue', stroke: 'blue', label: 'Web', z: 4 }),
    node({ id: 'gate', kind: 'rectangle', x: 940, y: -40, fill: 'teal', stroke: 'teal', label: 'Gateway', z: 5 }),
    node({ id: 'db', kind: 'cylinder', x: 660, y: 180, fill: 'purple', stroke: 'purple', label: 'PostgreSQL', z: 6 }),
    node({ id: 'choice', kind: 'diamond', x: 930, y: 170, w: 190, label: 'Allowed?', fill: 'orange', stroke: 'orange', z: 7 }),
    ...SHAPES.map((kind, i) => node({ id: `s${i}`, kind, x: (i % 5) * 220, y: 380 + Math.floor(i / 5) * 170, label: kind, fill: COLOURS[2 + i % (COLOURS.length - 2)]!, stroke: 'black', z: 10 + i })),
    node({ id: 'unknown', kind: 'container', x: 1180, y: 380, label: 'jupyter', z: 30 }),
  ];
  const edges = [
    edge({ id: 'e1', label: 'opens' }, 'b', 'right', 'web', 'left'),
    edge({ id: 'e2', kind: 'straight', color: 'teal', arrowStart: true, label: 'WebSocket' }, 'web', 'right', 'gate', 'left'),
    edge({ id: 'e3', kind: 'step', dashed: true, color: 'purple' }, 'web', 'bottom', 'db', 'top'),
    edge({ id: 'e4', kind: 'step' }, 'gate', 'bottom', 'choice', 'top'),
    edge({ id: 'e5', color: 'red' }, 'choice', 'left', 'db', 'right'),
  ];
  return [nodes, edges];
}

/** `count` nodes in a field, each joined to one nearby: the size that the board has to carry. */
export function large(count: number): [BoardNode[], BoardEdge[]] {
  let seed = 42;
  const random = (): number => (seed = (seed * 1664525 + 1013904223) >>> 0) / 2 ** 32;
  const columns = Math.ceil(Math.sqrt(count * 1.4));
  const nodes: BoardNode[] = [], edges: BoardEdge[] = [];
  for (let i = 0; i < count; i++) {
    const kind = i % 3 === 0 ? 'note' : SHAPES[i % SHAPES.length]!;
    nodes.push(node({
      id: `n${i}`, kind, z: i, w: 160, h: 120,
      x: (i % columns) * 260 + random() * 60, y: Math.floor(i / columns) * 220 + random() * 60,
      fill: COLOURS[3 + Math.floor(random() * (COLOURS.length - 3))]!, stroke: 'gray', label: `Task ${i}: ${'lorem ipsum dolor sit amet'.slice(0, 6 + Math.floor(random() * 20))}`,
    }));
  }
  for (let i = 0; i < count; i++) {
    const to = random() < 0.85 ? Math.min(count - 1, i + 1 + Math.floor(random() * 2) * columns) : Math.floor(random() * count);
    if (to === i) continue;
    edges.push(edge({ id: `e${i}`, kind: (['bezier', 'bezier', 'straight', 'step'] as const)[i % 4]!, color: i % 5 === 0 ? 'blue' : '' }, `n${i}`, 'right', `n${to}`, 'left'));
  }
  return [nodes, edges];
}
