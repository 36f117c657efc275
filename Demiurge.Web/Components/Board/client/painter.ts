import type { BoardEdge, BoardNode } from './codec';
import { intersects, type Rect } from './geometry';
import type { Palette } from './palette';
import { traceRoute, type Route } from './routes';
import type { Scene } from './scene';
import { KINDS, traceDetail, traceOutline, traitsOf } from './shapes';
import { LINE_HEIGHT, TextLayout } from './textLayout';

/** Below these sizes on the screen (CSS pixels) a detail is left out. */
const TEXT_FROM = 5.5;
const OUTLINE_FROM = 10;
const ARROW_FROM = 0.18;
const GRID = 24;

interface EdgeBatch { color: string; width: number; dashed: boolean; edges: { edge: BoardEdge; way: Route }[] }

/** Draws board things into a context whose transform maps board units to device pixels. Holds only caches. */
export class Painter {
  readonly #text = new TextLayout();
  readonly #nodes: BoardNode[] = [];
  readonly #edges: BoardEdge[] = [];
  readonly #batches = new Map<string, EdgeBatch>();
  #font = '';
  family = 'system-ui, sans-serif';
  showGrid = true;
  /** Nodes and edges whose text a field shows in place of us. */
  hidden: ReadonlySet<string> = new Set();

  constructor(private readonly scene: Scene, private readonly palette: Palette) {}

  /** Everything at rest in `region`: grid, frames, edges, nodes. `skip` names what another layer shows. */
  region(context: CanvasRenderingContext2D, region: Rect, zoom: number, skip: (node: BoardNode) => boolean): void {
    this.#font = '';
    if (this.showGrid) this.#grid(context, region, zoom);
    const lifted = this.scene.lifted;
    const margin = 16 + 40 / zoom;
    const wide = { x: region.x - margin, y: region.y - margin, w: region.w + 2 * margin, h: region.h + 2 * margin };
    const nodes = this.#nodes, edges = this.#edges;
    nodes.length = 0; edges.length = 0;
    this.scene.nodesIn(wide, nodes);
    this.scene.edgesIn(wide, edges);
    nodes.sort((a, b) => this.scene.rank(a.id) - this.scene.rank(b.id));
    let i = 0;
    for (; i < nodes.length && nodes[i]!.kind === 'frame'; i++) {
      const node = nodes[i]!;
      if (!lifted.has(node.id)) this.frame(context, node, node, zoom);
    }
    for (const edge of edges) {
      if (lifted.size > 0 && (lifted.has(edge.from.node) || lifted.has(edge.to.node))) continue;
      const way = this.scene.way(edge);
      if (way) this.#batch(edge, way);
    }
    this.#flushEdges(context, zoom);
    for (; i < nodes.length; i++) {
      const node = nodes[i]!;
      if (!lifted.has(node.id) && !skip(node)) this.node(context, node, node, zoom);
    }
  }

  /** Everything in motion that is visible. */
  lifted(context: CanvasRenderingContext2D, visible: Rect, zoom: number, skip: (node: BoardNode) => boolean, edges: ReadonlySet<string>): void {
    this.#font = '';
    const nodes = this.#nodes;
    nodes.length = 0;
    for (const id of this.scene.lifted.keys()) { const node = this.scene.nodes.get(id); if (node) nodes.push(node); }
    nodes.sort((a, b) => this.scene.rank(a.id) - this.scene.rank(b.id));
    const box = (node: BoardNode): Rect => this.scene.lifted.get(node.id) ?? node;
    let i = 0;
    for (; i < nodes.length && nodes[i]!.kind === 'frame'; i++) this.frame(context, nodes[i]!, box(nodes[i]!), zoom);
    for (const id of edges) {
      const edge = this.scene.edges.get(id), way = edge && this.scene.way(edge);
      if (edge && way && intersects(way.bounds, visible)) this.#batch(edge, way);
    }
    this.#flushEdges(context, zoom);
    for (; i < nodes.length; i++) {
      const node = nodes[i]!, at = box(node);
      if (!skip(node) && intersects(at, visible)) this.node(context, node, at, zoom);
    }
  }

  frame(context: CanvasRenderingContext2D, node: BoardNode, box: Rect, zoom: number): void {
    const traits = traitsOf('frame');
    context.fillStyle = this.palette.of('fill', node.fill || traits.fill);
    context.strokeStyle = this.palette.of('stroke', node.stroke || traits.stroke);
    context.lineWidth = 1 / zoom;
    context.beginPath();
    context.rect(box.x, box.y, box.w, box.h);
    context.fill(); context.stroke();
    if (box.w * zoom < 40 || this.hidden.has(node.id)) return;
    // The title keeps its size on the screen, so that it can be read and grabbed when the frame is small.
    const size = 12 / zoom;
    this.#setFont(context, `500 ${size}px ${this.family}`);
    context.fillStyle = this.palette.one('muted');
    context.textAlign = 'left'; context.textBaseline = 'alphabetic';
    context.fillText(clip(context, node.label || 'Frame', box.w), box.x, box.y - 6 / zoom);
  }

  node(context: CanvasRenderingContext2D, node: BoardNode, box: Rect, zoom: number): void {
    const traits = traitsOf(node.kind);
    const fill = node.fill || traits.fill, stroke = node.stroke || traits.stroke;
    const screen = Math.min(box.w, box.h) * zoom;
    if (screen < OUTLINE_FROM) {
      if (node.kind === 'text') context.fillStyle = this.palette.one('muted');
      else context.fillStyle = fill === 'none' ? this.palette.of('stroke', stroke) : this.palette.of('fill', fill);
      if (node.kind === 'text') context.fillRect(box.x, box.y + box.h / 3, box.w * 0.8, box.h / 3);
      else {
        context.fillRect(box.x, box.y, box.w, box.h);
        if (fill === 'white' && stroke !== 'none') {
          context.strokeStyle = this.palette.of('stroke', stroke); context.lineWidth = 0.75 / zoom;
          context.strokeRect(box.x, box.y, box.w, box.h);
        }
      }
      return;
    }
    if (node.kind !== 'text') {
      context.beginPath();
      traceOutline(context, node.kind, box);
      if (fill !== 'none') { context.fillStyle = this.palette.of('fill', fill); context.fill(); }
      if (stroke !== 'none') {
        context.strokeStyle = this.palette.of('stroke', stroke);
        context.lineWidth = 1.5;
        context.lineJoin = 'round';
        context.stroke();
        context.beginPath();
        if (traceDetail(context, node.kind, box)) context.stroke();
      }
    }
    if (this.hidden.has(node.id)) return;
    if (node.kind === 'container') this.#name(context, node, box, zoom);
    else if (node.label) this.#label(context, node, box, zoom);
    else if (!KINDS.includes(node.kind)) this.#label(context, { ...node, label: node.kind }, box, zoom);
  }

  /** What a module's node is called, large enough to be read from afar: its content is only there from near. */
  #name(context: CanvasRenderingContext2D, node: BoardNode, box: Rect, zoom: number): void {
    const size = Math.min(Math.max(16, 12 / zoom), box.h / 3);
    if (size * zoom < TEXT_FROM || box.w * zoom < 32) return;
    this.#setFont(context, `600 ${size}px ${this.family}`);
    context.fillStyle = this.palette.one('muted');
    context.textAlign = 'center'; context.textBaseline = 'middle';
    context.fillText(clip(context, node.label || 'Container', box.w - size), box.x + box.w / 2, box.y + box.h / 2);
  }

  #label(context: CanvasRenderingContext2D, node: BoardNode, box: Rect, zoom: number): void {
    const traits = traitsOf(node.kind);
    const size = node.fontSize || traits.fontSize;
    const ink = node.color ? this.palette.of('text', node.color) : this.palette.one('ink');
    const line = size * LINE_HEIGHT;
    const width = Math.max(8, box.w - 2 * traits.padding);
    const align = node.align || traits.align;
    const head = box.h * traits.headroom, room = box.h - head;
    const x = align === 'center' ? box.x + box.w / 2 : align === 'right' ? box.x + box.w - traits.padding : box.x + traits.padding;
    context.fillStyle = ink;
    if (size * zoom < TEXT_FROM) {
      // Too small to read: a bar a line tells where there is text.
      const bars = Math.min(3, Math.ceil(node.label.length * size * 0.5 / width));
      const w = Math.min(width, node.label.length * size * 0.5);
      const top = traits.middle ? box.y + head + (room - bars * line) / 2 : box.y + traits.padding;
      context.globalAlpha = 0.35;
      for (let i = 0; i < bars; i++) {
        context.fillRect(align === 'center' ? x - w / 2 : align === 'right' ? x - w : x, top + i * line + size * 0.4, w, size * 0.5);
      }
      context.globalAlpha = 1;
      return;
    }
    const font = `${size}px ${this.family}`;
    this.#setFont(context, font);
    const lines = this.#text.lines(context, node.id, node.label, width, font);
    const fit = Math.max(1, Math.floor((room - 4) / line));
    const count = Math.min(lines.length, fit);
    const top = traits.middle ? box.y + head + (room - count * line) / 2 : box.y + traits.padding;
    context.textAlign = align;
    context.textBaseline = 'middle';
    for (let i = 0; i < count; i++) context.fillText(lines[i]!, x, top + (i + 0.5) * line);
  }

  #setFont(context: CanvasRenderingContext2D, font: string): void {
    if (this.#font === font) return;
    this.#font = font;
    context.font = font;
  }

  // ---- edges, a path a style

  #batch(edge: BoardEdge, way: Route): void {
    const key = `${edge.color}|${edge.width}|${edge.dashed}`;
    let batch = this.#batches.get(key);
    if (!batch) this.#batches.set(key, batch = { color: edge.color, width: edge.width, dashed: edge.dashed, edges: [] });
    batch.edges.push({ edge, way });
  }

  #flushEdges(context: CanvasRenderingContext2D, zoom: number): void {
    for (const batch of this.#batches.values()) {
      if (batch.edges.length === 0) continue;
      const color = this.palette.of('stroke', batch.color || 'gray');
      const width = Math.max(batch.width || 1.75, 0.8 / zoom);
      context.strokeStyle = color;
      context.lineWidth = width;
      // From far away many thin lines would turn into a gray carpet.
      context.globalAlpha = zoom < 0.25 ? 0.55 : 1;
      context.lineCap = 'round'; context.lineJoin = 'round';
      context.setLineDash(batch.dashed && zoom > ARROW_FROM ? [6, 6] : []);
      context.beginPath();
      // Many short paths fill faster than one long one; 64 keeps both the calls and the path small.
      let n = 0;
      for (const { way } of batch.edges) {
        traceRoute(context, way);
        if (++n % 64 === 0) { context.stroke(); context.beginPath(); }
      }
      context.stroke();
      context.setLineDash([]);
      context.globalAlpha = 1;
      if (zoom > ARROW_FROM) {
        context.fillStyle = color;
        context.beginPath();
        for (const { edge, way } of batch.edges) {
          const p = way.points;
          if (edge.arrowEnd) arrow(context, p[p.length - 2]!, p[p.length - 1]!, way.endAngle, width);
          if (edge.arrowStart) arrow(context, p[0]!, p[1]!, way.startAngle, width);
        }
        context.fill();
      }
      for (const { edge, way } of batch.edges) if (edge.label && !this.hidden.has(edge.id)) this.#edgeLabel(context, edge, way, zoom);
      batch.edges.length = 0;
    }
    if (this.#batches.size > 64) this.#batches.clear();
  }

  #edgeLabel(context: CanvasRenderingContext2D, edge: BoardEdge, way: Route, zoom: number): void {
    const size = 13;
    if (size * zoom < TEXT_FROM) return;
    this.#setFont(context, `${size}px ${this.family}`);
    const label = edge.label.length > 60 ? `${edge.label.slice(0, 59)}…` : edge.label;
    const w = context.measureText(label).width + 12, h = size * 1.5;
    context.fillStyle = this.palette.one('bg');
    context.beginPath();
    context.roundRect(way.middle.x - w / 2, way.middle.y - h / 2, w, h, 5);
    context.fill();
    context.fillStyle = this.palette.one('ink');
    context.textAlign = 'center'; context.textBaseline = 'middle';
    context.fillText(label, way.middle.x, way.middle.y + 0.5);
  }

  #grid(context: CanvasRenderingContext2D, region: Rect, zoom: number): void {
    let step = GRID;
    while (step * zoom < 14) step *= 4;
    const dot = 0.9 / zoom;
    context.fillStyle = this.palette.one('grid');
    const x1 = region.x + region.w, y1 = region.y + region.h;
    context.beginPath();
    for (let x = Math.floor(region.x / step) * step; x <= x1; x += step) {
      for (let y = Math.floor(region.y / step) * step; y <= y1; y += step) context.rect(x - dot, y - dot, 2 * dot, 2 * dot);
    }
    context.fill();
  }
}

function arrow(context: CanvasRenderingContext2D, x: number, y: number, angle: number, width: number): void {
  const length = 7 + width * 2, half = 3.5 + width;
  const cos = Math.cos(angle), sin = Math.sin(angle);
  context.moveTo(x + cos, y + sin);
  context.lineTo(x - cos * length - sin * half, y - sin * length + cos * half);
  context.lineTo(x - cos * length + sin * half, y - sin * length - cos * half);
  context.closePath();
}

function clip(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  let n = text.length;
  while (n > 1 && context.measureText(`${text.slice(0, n)}…`).width > width) n = n >> 1;
  return `${text.slice(0, n)}…`;
}
