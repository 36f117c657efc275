import type { BoardEdge, BoardNode, SceneFrame } from './codec';
import { union, unionAll, type Point, type Rect } from './geometry';
import { portPoint, resolvePort, route, type Route } from './routes';
import { SpatialGrid } from './spatialGrid';

/** What one unanswered batch does to the scene: `null` deletes, a whole node or edge creates, a part patches. */
export interface Effects {
  nodes: Map<string, Partial<BoardNode> | null>;
  edges: Map<string, Partial<BoardEdge> | null>;
}
interface Pending extends Effects { batch: number }

export interface SceneChange {
  /** Board area that looks different now; null when everything may. */
  area: Rect | null;
  nodes: ReadonlySet<string>;
  edges: ReadonlySet<string>;
}

/**
 * The board as this person sees it, in three layers: what the server said (`base`), on top of it the effects of batches
 * that the server has not yet echoed (`pending`, in order), on top of that boxes in motion (`lifted`: a gesture of ours or
 * somebody's drag). `nodes` and `edges` are the first two combined. A pending effect goes exactly when the feed says that
 * it contains that batch, so neither a late echo nor another person's edit in between makes anything jump.
 * One writer: the page's event loop.
 */
export class Scene {
  readonly nodes = new Map<string, BoardNode>();
  readonly edges = new Map<string, BoardEdge>();
  readonly #baseNodes = new Map<string, BoardNode>();
  readonly #baseEdges = new Map<string, BoardEdge>();
  readonly #pending: Pending[] = [];
  readonly #lifted = new Map<string, Rect>();
  readonly #nodeGrid = new SpatialGrid<BoardNode>();
  readonly #edgeGrid = new SpatialGrid<BoardEdge>();
  readonly #routes = new Map<string, Route>();
  readonly #edgesOf = new Map<string, Set<string>>();
  readonly #childrenOf = new Map<string, Set<string>>();
  readonly #listeners = new Set<(change: SceneChange) => void>();
  #ranks: Map<string, number> | null = null;
  /** Rises whenever the paint order may have changed. */
  rankVersion = 0;
  #applied = 0;
  /** False until the first frame came: an empty board and one that has not arrived look different. */
  loaded = false;
  /** Rises whenever `lifted` changes. */
  liftVersion = 0;

  get applied(): number { return this.#applied; }
  get pendingCount(): number { return this.#pending.length; }
  get lifted(): ReadonlyMap<string, Rect> { return this.#lifted; }

  onChange(listener: (change: SceneChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  // ---- server's truth and our expectation of it

  applyFrame(frame: SceneFrame): void {
    const touchedNodes = new Set<string>(), touchedEdges = new Set<string>();
    if (frame.reset) {
      for (const id of this.#baseNodes.keys()) touchedNodes.add(id);
      for (const id of this.#baseEdges.keys()) touchedEdges.add(id);
      this.#baseNodes.clear(); this.#baseEdges.clear();
    }
    for (const record of frame.records) {
      switch (record.op) {
        case 'node': this.#baseNodes.set(record.node.id, record.node); touchedNodes.add(record.node.id); break;
        case 'removeNode': this.#baseNodes.delete(record.id); touchedNodes.add(record.id); break;
        case 'edge': this.#baseEdges.set(record.edge.id, record.edge); touchedEdges.add(record.edge.id); break;
        case 'removeEdge': this.#baseEdges.delete(record.id); touchedEdges.add(record.id); break;
      }
    }
    if (frame.applied > this.#applied) {
      this.#applied = frame.applied;
      this.#dropPending(p => p.batch <= frame.applied, touchedNodes, touchedEdges);
    }
    this.loaded = true;
    this.#recompute(touchedNodes, touchedEdges, frame.reset);
  }

  /** Shows a batch's effects until the feed contains it. */
  expect(batch: number, effects: Effects): void {
    if (batch <= this.#applied) return;
    this.#pending.push({ batch, ...effects });
    this.#recompute(new Set(effects.nodes.keys()), new Set(effects.edges.keys()));
  }

  /** A batch was refused: what it showed goes. Returns the ids that fell back. */
  reject(batch: number): string[] {
    const nodes = new Set<string>(), edges = new Set<string>();
    this.#dropPending(p => p.batch === batch, nodes, edges);
    this.#recompute(nodes, edges);
    return [...nodes, ...edges];
  }

  #dropPending(which: (pending: Pending) => boolean, nodes: Set<string>, edges: Set<string>): void {
    for (let i = this.#pending.length - 1; i >= 0; i--) {
      const pending = this.#pending[i]!;
      if (!which(pending)) continue;
      this.#pending.splice(i, 1);
      for (const id of pending.nodes.keys()) nodes.add(id);
      for (const id of pending.edges.keys()) edges.add(id);
    }
  }

  #recompute(nodes: Set<string>, edges: Set<string>, everything = false): void {
    if (nodes.size === 0 && edges.size === 0 && !everything) return;
    let area: Rect | null = null;
    for (const id of nodes) {
      const before = this.nodes.get(id);
      const after = this.#expected(id, this.#baseNodes, p => p.nodes);
      if (before === after) continue;
      if (before) area = union(area, before);
      if (after) area = union(area, after);
      if (!before || !after || before.z !== after.z || before.parent !== after.parent) { this.#ranks = null; this.rankVersion++; }
      if (before?.parent !== after?.parent) {
        if (before?.parent) removeFrom(this.#childrenOf, before.parent, id);
        if (after?.parent) addTo(this.#childrenOf, after.parent, id);
      }
      if (after) { this.nodes.set(id, after); this.#nodeGrid.set(id, after, after); }
      else { this.nodes.delete(id); this.#nodeGrid.delete(id); }
      if (before && after && before.x === after.x && before.y === after.y && before.w === after.w
        && before.h === after.h && before.kind === after.kind) continue;
      for (const edge of this.#edgesOf.get(id) ?? []) edges.add(edge);
    }
    for (const id of edges) {
      const before = this.edges.get(id);
      const after = this.#expected(id, this.#baseEdges, p => p.edges);
      const wayBefore = this.#routes.get(id);
      if (wayBefore) area = union(area, wayBefore.bounds);
      if (before && before !== after) { removeFrom(this.#edgesOf, before.from.node, id); removeFrom(this.#edgesOf, before.to.node, id); }
      if (after) {
        if (before !== after) { addTo(this.#edgesOf, after.from.node, id); addTo(this.#edgesOf, after.to.node, id); }
        this.edges.set(id, after);
        const way = this.#wayOf(after);
        if (way) { this.#routes.set(id, way); this.#edgeGrid.set(id, after, way.bounds); area = union(area, way.bounds); }
        else { this.#routes.delete(id); this.#edgeGrid.delete(id); }
      } else {
        this.edges.delete(id); this.#routes.delete(id); this.#edgeGrid.delete(id);
      }
    }
    const change = { area: everything ? null : area, nodes, edges };
    for (const listener of this.#listeners) listener(change);
  }

  #expected<T extends { id: string }>(id: string, base: Map<string, T>, effects: (p: Pending) => Map<string, Partial<T> | null>): T | undefined {
    let value = base.get(id);
    for (const pending of this.#pending) {
      const effect = effects(pending).get(id);
      if (effect === undefined) continue;
      if (effect === null) value = undefined;
      else if (value) value = { ...value, ...effect };
      else if ('id' in effect) value = effect as T; // only a creation carries the id: a patch of what is gone shows nothing
    }
    return value;
  }

  // ---- boxes in motion

  /** Shows a node elsewhere without changing it; `null` puts it back. */
  lift(boxes: Iterable<readonly [string, Rect | null]>): void {
    for (const [id, box] of boxes) {
      if (box) this.#lifted.set(id, box); else this.#lifted.delete(id);
    }
    this.liftVersion++;
  }

  /** Made here and not yet confirmed by the feed. */
  isUnconfirmed(id: string): boolean { return this.nodes.has(id) && !this.#baseNodes.has(id); }

  /** Where a node is shown right now. */
  box(id: string): Rect | undefined {
    return this.#lifted.get(id) ?? this.nodes.get(id);
  }

  // ---- queries

  /** An edge's way as shown right now; undefined when an end is missing. */
  way(edge: BoardEdge): Route | undefined {
    return this.#lifted.has(edge.from.node) || this.#lifted.has(edge.to.node) ? this.#wayOf(edge, this.#lifted) : this.#routes.get(edge.id);
  }

  /** Where an edge is drawn while its nodes rest. */
  restingBounds(edge: string): Rect | undefined { return this.#routes.get(edge)?.bounds; }

  #wayOf(edge: BoardEdge, lifted?: ReadonlyMap<string, Rect>): Route | undefined {
    const from = this.nodes.get(edge.from.node), to = this.nodes.get(edge.to.node);
    if (!from || !to) return undefined;
    const a = lifted?.get(from.id) ?? from, b = lifted?.get(to.id) ?? to;
    const fromPort = resolvePort(edge.from.port, a, { x: b.x + b.w / 2, y: b.y + b.h / 2 });
    const toPort = resolvePort(edge.to.port, b, { x: a.x + a.w / 2, y: a.y + a.h / 2 });
    return route(edge.kind, portPoint(from.kind, a, fromPort), fromPort, portPoint(to.kind, b, toPort), toPort);
  }

  /** Nodes whose resting box touches `rect`, unordered, appended to `into`. */
  nodesIn(rect: Rect, into: BoardNode[] = []): BoardNode[] { return this.#nodeGrid.query(rect, into); }

  edgesIn(rect: Rect, into: BoardEdge[] = []): BoardEdge[] { return this.#edgeGrid.query(rect, into); }

  edgesOf(node: string): ReadonlySet<string> { return this.#edgesOf.get(node) ?? NONE; }

  childrenOf(frame: string): ReadonlySet<string> { return this.#childrenOf.get(frame) ?? NONE; }

  /** The node and everything inside it, itself first. A parent cycle (hostile data) ends where it closes. */
  withDescendants(id: string, into: Set<string> = new Set()): Set<string> {
    if (into.has(id)) return into;
    into.add(id);
    for (const child of this.childrenOf(id)) this.withDescendants(child, into);
    return into;
  }

  hasAncestorIn(node: BoardNode, ids: ReadonlySet<string>): boolean {
    const seen = new Set<string>();
    for (let parent = node.parent; parent && !seen.has(parent); parent = this.nodes.get(parent)?.parent ?? '') {
      if (ids.has(parent)) return true;
      seen.add(parent);
    }
    return false;
  }

  /** The given nodes without those that move along with a frame that is among them. */
  topmost(ids: ReadonlySet<string>): BoardNode[] {
    const top: BoardNode[] = [];
    for (const id of ids) {
      const node = this.nodes.get(id);
      if (node && !this.hasAncestorIn(node, ids)) top.push(node);
    }
    return top;
  }

  /** Place in paint order: frames below all else (outer before inner), then z, then id. */
  rank(id: string): number {
    if (!this.#ranks) {
      const depth = (node: BoardNode): number => {
        let d = 0;
        for (let p = this.nodes.get(node.parent); p && d < 32; p = this.nodes.get(p.parent)) d++;
        return d;
      };
      const keyed = [...this.nodes.values()].map(node => ({ node, layer: node.kind === 'frame' ? depth(node) : 64 }));
      keyed.sort((a, b) => a.layer - b.layer || a.node.z - b.node.z || (a.node.id < b.node.id ? -1 : 1));
      this.#ranks = new Map(keyed.map((k, i) => [k.node.id, i]));
    }
    return this.#ranks.get(id) ?? 0;
  }

  bounds(ids?: Iterable<string>): Rect | null {
    if (!ids) return unionAll(this.nodes.values());
    let all: Rect | null = null;
    for (const id of ids) {
      const box = this.box(id);
      if (box) all = union(all, box);
      else { const edge = this.edges.get(id), way = edge && this.way(edge); if (way) all = union(all, way.bounds); }
    }
    return all;
  }

  maxZ(): number {
    let top = 0;
    for (const node of this.nodes.values()) if (node.z > top) top = node.z;
    return top;
  }

  /** The innermost frame under a point that is not among `except`. */
  frameAt(point: Point, except: ReadonlySet<string> = NONE): BoardNode | undefined {
    let best: BoardNode | undefined;
    for (const node of this.nodesIn({ x: point.x, y: point.y, w: 0, h: 0 })) {
      if (node.kind !== 'frame' || node.locked || except.has(node.id) || this.hasAncestorIn(node, except)) continue;
      if (!best || this.rank(node.id) > this.rank(best.id)) best = node;
    }
    return best;
  }

  /** Edges whose picture changes while nodes are lifted. */
  liftedEdges(into: Set<string>): Set<string> {
    for (const id of this.#lifted.keys()) for (const edge of this.edgesOf(id)) into.add(edge);
    return into;
  }
}

const NONE: ReadonlySet<string> = new Set();

function addTo(map: Map<string, Set<string>>, key: string, value: string): void {
  const set = map.get(key);
  if (set) set.add(value); else map.set(key, new Set([value]));
}

function removeFrom(map: Map<string, Set<string>>, key: string, value: string): void {
  const set = map.get(key);
  if (!set) return;
  set.delete(value);
  if (set.size === 0) map.delete(key);
}
