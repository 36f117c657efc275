import { align, distribute, type Alignment } from './arrange';
import type { BoardCommand, EdgeStyle, NodeStyle, StackTarget } from './commands';
import type { Point } from './geometry';
import { copyMap } from './gestures/move';
import type { Presence } from './presence';
import type { BoardServer, LeftContainer } from './server';
import type { Workspace } from './workspace';

/** What actions need beside the workspace. */
export interface ActionHost extends Workspace {
  readonly server: BoardServer;
  readonly presence: Presence;
  now(): number;
  toast(text: string): void;
  copy(cut: boolean): void;
  paste(): void;
  dialog(name: 'shortcuts' | 'search'): void;
  toggleMinimap(): void;
  cancel(): void;
  /** These containers run on though no node shows them any more. */
  left(containers: readonly LeftContainer[]): void;
  /** Where something new goes that was asked for now. */
  place(): Point;
  /** Lets the person work in what a node shows. */
  interact(id: string): void;
}

/** Everything that toolbar, menus, keys and the server may ask for by name. Unknown names do nothing. */
export function runAction(host: ActionHost, name: string, arg?: unknown): void {
  const action = ACTIONS[name];
  if (!action || (host.viewer && !LOOKING.has(name))) return;
  action(host, arg);
  host.redraw();
}

/** What a viewer may do. */
const LOOKING = new Set([
  'copy', 'selectAll', 'zoomIn', 'zoomOut', 'zoom100', 'fit', 'fitSelection', 'focusNode', 'focusPerson', 'shortcuts', 'search',
  'cancel', 'minimap', 'tool', 'interact', 'edit',
]);

const ACTIONS: Record<string, (host: ActionHost, arg: unknown) => void> = {
  tool: (h, arg) => { if (typeof arg === 'string') h.setTool(arg); },
  undo: h => { void h.outbox.settled.then(() => h.server.undo()).then(answer => h.left(answer?.left ?? [])).catch(() => undefined); },
  redo: h => { void h.outbox.settled.then(() => h.server.redo()).then(answer => h.left(answer?.left ?? [])).catch(() => undefined); },
  delete: h => {
    const ids = [...h.selection.ids].filter(id => !h.scene.nodes.get(id)?.locked);
    if (ids.length === 0) { if (h.selection.size > 0) h.toast('Unlock it first.'); return; }
    h.selection.clear();
    // What a container's node shows lives on without it: the server asks.
    if (ids.some(id => h.scene.nodes.has(id) && [...h.scene.withDescendants(id)].some(inner => h.scene.nodes.get(inner)?.kind === 'container'))) h.server.deleteContainers(ids);
    else void h.outbox.push({ type: 'delete', ids });
  },
  newContainer: (h, arg) => { const { x, y } = h.place(); h.server.newContainer(typeof arg === 'string' && arg !== '' ? arg : null, x, y); },
  interact: (h, arg) => { if (typeof arg === 'string' && h.scene.nodes.has(arg)) h.interact(arg); },
  duplicate: h => duplicate(h, 24, 24),
  copy: h => h.copy(false),
  cut: h => h.copy(true),
  paste: h => h.paste(),
  selectAll: h => {
    const nodes = [...h.scene.nodes.values()].filter(n => !n.locked && !h.scene.nodes.has(n.parent)).map(n => n.id);
    h.selection.set(nodes.concat([...h.scene.edges.keys()]));
  },
  front: h => order(h, 'front'), back: h => order(h, 'back'), forward: h => order(h, 'forward'), backward: h => order(h, 'backward'),
  lock: h => lock(h, true), unlock: h => lock(h, false),
  toggleLock: h => lock(h, ![...h.selection.ids].every(id => h.scene.nodes.get(id)?.locked)),
  zoomIn: h => h.camera.zoomTo(nextZoom(h.camera.zoom, 1), undefined, h.now()),
  zoomOut: h => h.camera.zoomTo(nextZoom(h.camera.zoom, -1), undefined, h.now()),
  zoom100: h => h.camera.zoomTo(1, undefined, h.now()),
  fit: h => { const all = h.scene.bounds(); if (all) h.camera.flyTo(h.camera.viewOf(all), h.now()); },
  fitSelection: h => {
    const box = h.scene.bounds(h.selection.size > 0 ? h.selection.ids : undefined);
    if (box) h.camera.flyTo(h.camera.viewOf(box, 96, 2), h.now());
  },
  align: (h, arg) => {
    const ids = movable(h);
    if (ids.length < 2) return;
    const to = arg as Alignment;
    if (['left', 'center', 'right', 'top', 'middle', 'bottom'].includes(to)) void h.outbox.push({ type: 'move', items: align(ids, to) });
  },
  distribute: (h, arg) => {
    const items = distribute(movable(h), arg === 'y' ? 'y' : 'x');
    if (items.length > 0) void h.outbox.push({ type: 'move', items });
  },
  fill: (h, arg) => styleNodes(h, { fill: String(arg) }),
  stroke: (h, arg) => styleNodes(h, { stroke: String(arg) }),
  color: (h, arg) => {
    styleNodes(h, { color: String(arg) });
    styleEdges(h, { color: String(arg) });
  },
  fontSize: (h, arg) => { const size = Number(arg); if (size >= 6 && size <= 200) styleNodes(h, { fontSize: size }); },
  textAlign: (h, arg) => { if (arg === 'left' || arg === 'center' || arg === 'right') styleNodes(h, { align: arg }); },
  edgeKind: (h, arg) => { if (arg === 'bezier' || arg === 'straight' || arg === 'step') styleEdges(h, { kind: arg }); },
  edgeArrow: (h, arg) => { if (arg === 'none' || arg === 'end' || arg === 'both') styleEdges(h, { arrow: arg }); },
  edgeDash: (h, arg) => {
    const dash = arg === undefined || arg === '' ? !edges(h).every(id => h.scene.edges.get(id)?.dashed) : arg === true || arg === 'true';
    styleEdges(h, { dash });
  },
  edgeWidth: (h, arg) => { const width = Number(arg); if (width > 0 && width <= 24) styleEdges(h, { width }); },
  edit: h => {
    const [id] = h.selection.ids;
    if (!id || h.selection.size !== 1) return;
    if (h.scene.nodes.get(id)?.kind === 'container') h.interact(id);
    else if (!h.viewer && !h.scene.nodes.get(id)?.locked) h.edit(id);
  },
  nudge: (h, arg) => nudge(h, arg as Point),
  next: h => step(h, 1), previous: h => step(h, -1),
  focusNode: (h, arg) => {
    const id = String(arg), box = h.scene.box(id);
    if (!box) { h.toast('That is no longer on the board.'); return; }
    h.selection.set([id]);
    const view = h.camera.viewOf(box, 160, 1);
    h.camera.flyTo(view, h.now());
  },
  focusPerson: (h, arg) => {
    const person = h.presence.people.get(String(arg)) ?? [...h.presence.people.values()].find(p => p.userId === arg);
    if (!person) return;
    const view = person.viewport;
    if (view && view.w > 0) h.camera.flyTo(h.camera.viewOf(view, 0, 2), h.now());
    else if (person.cursor) h.camera.centreOn({ x: person.cursor[0], y: person.cursor[1] }, h.now());
    else h.toast(`${person.name} is not pointing at anything.`);
  },
  snap: h => { h.snap.objects = !h.snap.objects; h.toast(h.snap.objects ? 'Snapping to neighbours' : 'Snapping off'); },
  gridSnap: h => { h.snap.grid = !h.snap.grid; h.toast(h.snap.grid ? 'Snapping to the grid' : 'Grid snapping off'); },
  minimap: h => h.toggleMinimap(),
  shortcuts: h => h.dialog('shortcuts'),
  search: h => h.dialog('search'),
  cancel: h => h.cancel(),
};

export function duplicate(h: ActionHost, dx: number, dy: number): void {
  const tops = h.scene.topmost(h.selection.ids);
  if (tops.length === 0) return;
  const all = new Set<string>();
  for (const node of tops) h.scene.withDescendants(node.id, all);
  const map = copyMap(h.scene, all);
  void h.outbox.push({ type: 'duplicate', map, dx, dy });
  h.selection.set(tops.map(node => map[node.id]!));
}

function edges(h: ActionHost): string[] { return [...h.selection.ids].filter(id => h.scene.edges.has(id)); }

function nodes(h: ActionHost): string[] { return [...h.selection.ids].filter(id => h.scene.nodes.has(id)); }

function movable(h: ActionHost) {
  return h.scene.topmost(h.selection.ids).filter(n => !n.locked);
}

function styleNodes(h: ActionHost, patch: NodeStyle): void {
  const ids = nodes(h).filter(id => !h.scene.nodes.get(id)?.locked);
  Object.assign(h.nextStyle, patch);
  if (ids.length > 0) void h.outbox.push({ type: 'style', ids, patch });
}

function styleEdges(h: ActionHost, patch: EdgeStyle & { kind?: string }): void {
  const ids = edges(h);
  if (ids.length > 0) void h.outbox.push({ type: 'style', ids, patch });
}

function order(h: ActionHost, to: StackTarget): void {
  const ids = nodes(h);
  if (ids.length > 0) void h.outbox.push({ type: 'order', ids, to });
}

function lock(h: ActionHost, locked: boolean): void {
  const ids = nodes(h);
  if (ids.length > 0) void h.outbox.push({ type: 'lock', ids, locked });
}

function nudge(h: ActionHost, by: Point): void {
  const items = movable(h).map(n => ({ id: n.id, x: n.x + by.x, y: n.y + by.y }));
  if (items.length > 0) void h.outbox.push({ type: 'move', items } satisfies BoardCommand);
}

/** Tab order: reading order, from the top left. */
function step(h: ActionHost, by: 1 | -1): void {
  const all = [...h.scene.nodes.values()].sort((a, b) => a.y - b.y || a.x - b.x || (a.id < b.id ? -1 : 1));
  if (all.length === 0) return;
  const at = all.findIndex(n => h.selection.has(n.id));
  const next = all[at < 0 ? (by === 1 ? 0 : all.length - 1) : (at + by + all.length) % all.length]!;
  h.selection.set([next.id]);
  const view = h.camera.visible();
  if (next.x < view.x || next.y < view.y || next.x + next.w > view.x + view.w || next.y + next.h > view.y + view.h) {
    h.camera.centreOn({ x: next.x + next.w / 2, y: next.y + next.h / 2 }, h.now());
  }
}

const STOPS = [0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 8];

export function nextZoom(zoom: number, by: 1 | -1): number {
  if (by === 1) return STOPS.find(stop => stop > zoom * 1.01) ?? STOPS[STOPS.length - 1]!;
  return [...STOPS].reverse().find(stop => stop < zoom * 0.99) ?? STOPS[0]!;
}
