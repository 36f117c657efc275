import type { BoardEdge, BoardNode } from './codec';
import type { Camera } from './camera';
import { contains, grow, PORTS, type Point, type Port, type Rect } from './geometry';
import { distanceToRoute, portPoint } from './routes';
import type { Scene } from './scene';
import type { Selection } from './selection';
import { insideOutline, traitsOf } from './shapes';

export type Handle = 'nw' | 'n' | 'ne' | 'e' | 'se' | 's' | 'sw' | 'w';

export type Hit =
  | { on: 'handle'; handle: Handle }
  | { on: 'port'; node: BoardNode; port: Port }
  | { on: 'end'; edge: BoardEdge; end: 'from' | 'to' }
  | { on: 'node'; node: BoardNode; part: 'body' | 'title' | 'inside' }
  | { on: 'edge'; edge: BoardEdge }
  | null;

/** How far outside the outline the connection handles stand, in CSS pixels. */
export const PORT_OFFSET = 18;
const TITLE_HEIGHT = 22;

/** Where the connection handle of a port is shown, in screen pixels. */
export function portHandle(camera: Camera, node: BoardNode, box: Rect, port: Port): Point {
  const at = camera.toScreen(portPoint(node.kind, box, port));
  switch (port) {
    case 'top': return { x: at.x, y: at.y - PORT_OFFSET };
    case 'right': return { x: at.x + PORT_OFFSET, y: at.y };
    case 'bottom': return { x: at.x, y: at.y + PORT_OFFSET };
    case 'left': return { x: at.x - PORT_OFFSET, y: at.y };
  }
}

/** On a node that is tiny on the screen the handles would cover its neighbours. */
export function showsPorts(camera: Camera, box: Rect): boolean { return Math.max(box.w, box.h) * camera.zoom >= 24; }

/** What the selection's resize box is: null when nothing in it can be resized. */
export function resizeBox(scene: Scene, selection: Selection): Rect | null {
  const nodes = [...selection.ids].map(id => scene.nodes.get(id)).filter(n => n !== undefined);
  if (nodes.length === 0 || nodes.some(n => n.locked)) return null;
  return scene.bounds(nodes.map(n => n.id));
}

/**
 * What is under a point, in the order a hand expects: handles of the selection, connection handles of the hovered node,
 * ends of a selected edge, nodes from the top, edges, and at last the inside of frames.
 */
export function hitTest(
  scene: Scene, camera: Camera, selection: Selection, screen: Point,
  options: { touch?: boolean; viewer?: boolean; hovered?: string | null } = {},
): Hit {
  const reach = options.touch ? 18 : 8;
  const point = camera.toBoard(screen);
  if (!options.viewer) {
    // Among several selected things the ends would be in the way of what they touch.
    for (const id of selection.size === 1 ? selection.ids : []) {
      const edge = scene.edges.get(id), way = edge && scene.way(edge);
      if (!edge || !way) continue;
      const p = way.points, from = camera.toScreen({ x: p[0]!, y: p[1]! }), to = camera.toScreen({ x: p[p.length - 2]!, y: p[p.length - 1]! });
      if (near(to, screen, reach)) return { on: 'end', edge, end: 'to' };
      if (near(from, screen, reach)) return { on: 'end', edge, end: 'from' };
    }
    const handle = handleAt(scene, camera, selection, screen, reach);
    if (handle) return { on: 'handle', handle };
    for (const id of new Set([options.hovered ?? '', ...(selection.size === 1 ? selection.ids : [])])) {
      const node = scene.nodes.get(id);
      if (!node || node.locked || node.kind === 'frame') continue;
      const box = scene.box(id) ?? node;
      if (!showsPorts(camera, box)) continue;
      for (const port of PORTS) if (near(portHandle(camera, node, box, port), screen, reach + 1)) return { on: 'port', node, port };
    }
  }
  const title = TITLE_HEIGHT / camera.zoom;
  const around = grow({ x: point.x, y: point.y, w: 0, h: 0 }, Math.max(title, reach / camera.zoom));
  const nodes = scene.nodesIn(around).sort((a, b) => scene.rank(b.id) - scene.rank(a.id));
  for (const node of nodes) {
    if (node.kind === 'frame') continue;
    if (insideNode(node, point, (options.touch ? 8 : 2) / camera.zoom)) return { on: 'node', node, part: 'body' };
  }
  const edge = edgeAt(scene, point, (options.touch ? 14 : 6) / camera.zoom);
  for (const node of nodes) {
    if (node.kind !== 'frame') continue;
    if (contains({ x: node.x, y: node.y - title, w: Math.min(node.w, 320 / camera.zoom), h: title }, point)) return { on: 'node', node, part: 'title' };
    const border = 5 / camera.zoom;
    if (contains(grow(node, border), point) && !contains(grow(node, -border), point)) return edge ? { on: 'edge', edge } : { on: 'node', node, part: 'title' };
  }
  if (edge) return { on: 'edge', edge };
  for (const node of nodes) if (node.kind === 'frame' && contains(node, point)) return { on: 'node', node, part: 'inside' };
  return null;
}

/** The topmost node (not frame) under a board point. */
export function nodeAt(scene: Scene, point: Point, slack = 0): BoardNode | undefined {
  let best: BoardNode | undefined;
  for (const node of scene.nodesIn(grow({ x: point.x, y: point.y, w: 0, h: 0 }, slack))) {
    if (node.kind === 'frame' || !insideNode(node, point, slack)) continue;
    if (!best || scene.rank(node.id) > scene.rank(best.id)) best = node;
  }
  return best;
}

export function edgeAt(scene: Scene, point: Point, slack: number): BoardEdge | undefined {
  let best: BoardEdge | undefined, least = slack;
  for (const edge of scene.edgesIn(grow({ x: point.x, y: point.y, w: 0, h: 0 }, slack))) {
    const way = scene.way(edge);
    if (!way) continue;
    const d = distanceToRoute(way, point) - edge.width / 2;
    const onLabel = edge.label !== '' && Math.abs(point.x - way.middle.x) < edge.label.length * 4 + 6 && Math.abs(point.y - way.middle.y) < 10;
    if (onLabel) return edge;
    if (d <= least) { least = d; best = edge; }
  }
  return best;
}

function insideNode(node: BoardNode, point: Point, slack: number): boolean {
  if (!contains(grow(node, slack), point)) return false;
  // Shapes without a fill are still grabbed by their inside: an outline alone is hard to hit with a finger.
  return traitsOf(node.kind).middle ? insideOutline(node.kind, grow(node, slack), point.x, point.y) : true;
}

function handleAt(scene: Scene, camera: Camera, selection: Selection, screen: Point, reach: number): Handle | null {
  const box = resizeBox(scene, selection);
  if (!box) return null;
  const a = camera.toScreen(box), w = box.w * camera.zoom, h = box.h * camera.zoom;
  const b = { x: a.x + w, y: a.y + h };
  if (screen.x < a.x - reach || screen.x > b.x + reach || screen.y < a.y - reach || screen.y > b.y + reach) return null;
  // On a small box the handles stay outside, so that it can still be grabbed and moved.
  const inX = Math.min(reach, w / 4), inY = Math.min(reach, h / 4);
  const west = screen.x <= a.x + inX, east = screen.x >= b.x - inX, north = screen.y <= a.y + inY, south = screen.y >= b.y - inY;
  const corner = (north ? 'n' : south ? 's' : '') + (west ? 'w' : east ? 'e' : '');
  if (corner.length === 2) return corner as Handle;
  const side = Math.min(4, reach);
  if (Math.abs(screen.y - a.y) <= side) return 'n';
  if (Math.abs(screen.y - b.y) <= side) return 's';
  if (Math.abs(screen.x - a.x) <= side) return 'w';
  if (Math.abs(screen.x - b.x) <= side) return 'e';
  return null;
}

function near(a: Point, b: Point, reach: number): boolean {
  return Math.abs(a.x - b.x) <= reach && Math.abs(a.y - b.y) <= reach;
}
