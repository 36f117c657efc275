import { newId, type EdgeDraft, type NodeDraft } from './commands';
import type { Arrow } from './commands';
import { unionAll, type Rect } from './geometry';
import type { Scene } from './scene';
import { KINDS } from './shapes';

/** What the system clipboard carries as text/plain: pasteable on any board, in any tab. */
export interface Envelope { 'demiurge-board': 1; nodes: NodeDraft[]; edges: EdgeDraft[] }

const LIMIT = 2000;
const LABEL_LENGTH = 80;

/** The selection from what the scene knows. `whole` is false when that is not all: long texts, content of other kinds. */
export function envelopeOf(scene: Scene, ids: ReadonlySet<string>): { envelope: Envelope; whole: boolean } {
  const inner = new Set<string>();
  for (const id of ids) if (scene.nodes.has(id)) scene.withDescendants(id, inner);
  let whole = true;
  const nodes = [...inner].map(id => scene.nodes.get(id)!).sort((a, b) => scene.rank(a.id) - scene.rank(b.id)).map<NodeDraft>(n => {
    if (n.label.length >= LABEL_LENGTH || !KINDS.includes(n.kind)) whole = false;
    const style = {
      ...(n.fill && { fill: n.fill }), ...(n.stroke && { stroke: n.stroke }), ...(n.color && { color: n.color }),
      ...(n.fontSize && { fontSize: n.fontSize }), ...(n.align && { align: n.align }),
    };
    return { id: n.id, kind: n.kind, x: n.x, y: n.y, w: n.w, h: n.h, ...(inner.has(n.parent) && { parent: n.parent }), style, ...(n.label && { text: n.label }) };
  });
  const edges: EdgeDraft[] = [];
  for (const edge of scene.edges.values()) {
    const between = inner.has(edge.from.node) && inner.has(edge.to.node);
    if (!between) continue;
    const arrow: Arrow = edge.arrowStart ? 'both' : edge.arrowEnd ? 'end' : 'none';
    edges.push({
      id: edge.id, from: edge.from, to: edge.to, kind: edge.kind, label: edge.label,
      style: { arrow, dash: edge.dashed, ...(edge.color && { color: edge.color }), ...(edge.width && { width: edge.width }) },
    });
  }
  return { envelope: { 'demiurge-board': 1, nodes, edges }, whole };
}

/** Reads an envelope from anybody's clipboard; null when the text is something else. Throws when it is one, but too large. */
export function readEnvelope(text: string): Envelope | null {
  if (!text.startsWith('{') || !text.slice(0, 200).includes('"demiurge-board"')) return null;
  let value: unknown;
  try { value = JSON.parse(text); } catch { return null; }
  const raw = value as Partial<Record<keyof Envelope, unknown>>;
  if (raw['demiurge-board'] !== 1 || !Array.isArray(raw.nodes) || !Array.isArray(raw.edges)) return null;
  if (raw.nodes.length + raw.edges.length > LIMIT) throw new RangeError(`At most ${LIMIT} things can be pasted at once.`);
  const nodes = raw.nodes.filter(isNode), known = new Set(nodes.map(n => n.id));
  const edges = raw.edges.filter(isEdge).filter(e => known.has(e.from.node) && known.has(e.to.node));
  return { 'demiurge-board': 1, nodes, edges };
}

function isNode(value: unknown): value is NodeDraft {
  const n = value as NodeDraft | null;
  return typeof n === 'object' && n !== null && typeof n.id === 'string' && typeof n.kind === 'string'
    && [n.x, n.y, n.w, n.h].every(Number.isFinite) && (n.text === undefined || n.text === null || typeof n.text === 'string');
}

function isEdge(value: unknown): value is EdgeDraft {
  const e = value as EdgeDraft | null;
  return typeof e === 'object' && e !== null && typeof e.id === 'string'
    && typeof e.from?.node === 'string' && typeof e.to?.node === 'string';
}

/**
 * The envelope with fresh ids, moved to where it can be seen: a little beside the originals when they are in view, else to
 * the middle of it.
 */
export function placed(envelope: Envelope, visible: Rect, step: number): Envelope {
  const bounds = unionAll(envelope.nodes) ?? { x: 0, y: 0, w: 0, h: 0 };
  const inView = bounds.x < visible.x + visible.w && bounds.x + bounds.w > visible.x && bounds.y < visible.y + visible.h && bounds.y + bounds.h > visible.y;
  const dx = inView ? 24 * step : visible.x + visible.w / 2 - bounds.x - bounds.w / 2;
  const dy = inView ? 24 * step : visible.y + visible.h / 2 - bounds.y - bounds.h / 2;
  const map = new Map<string, string>(envelope.nodes.map(n => [n.id, newId()]));
  const to = (id: string): string => map.get(id) ?? id;
  return {
    'demiurge-board': 1,
    nodes: envelope.nodes.map(n => {
      const { parent, ...rest } = n;
      return { ...rest, id: to(n.id), x: n.x + dx, y: n.y + dy, parent: parent && map.has(parent) ? to(parent) : '' };
    }),
    edges: envelope.edges.map(e => ({ ...e, id: newId(), from: { ...e.from, node: to(e.from.node) }, to: { ...e.to, node: to(e.to.node) } })),
  };
}
