import type { Camera } from './camera';
import { PORTS, type Rect } from './geometry';
import { portHandle, resizeBox, showsPorts } from './hit';
import type { Painter } from './painter';
import { readable, type Palette } from './palette';
import type { Presence } from './presence';
import { nearestPort, portPoint, route, traceRoute } from './routes';
import type { Scene } from './scene';
import type { Selection } from './selection';
import { traceOutline, traitsOf } from './shapes';
import type { Feedback } from './workspace';

/** Above this many selected nodes only the box around all of them is drawn. */
const OUTLINES = 300;

/** Draws what lies over the board: selections, handles, guides, the marquee, connections under way. In screen pixels. */
export class Overlay {
  constructor(
    private readonly scene: Scene, private readonly camera: Camera, private readonly selection: Selection,
    private readonly presence: Presence, private readonly feedback: Feedback,
    private readonly palette: Palette, private readonly painter: Painter,
  ) {}

  draw(context: CanvasRenderingContext2D, dpr: number, viewer: boolean, editing: string | null): void {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    context.setTransform(dpr, 0, 0, dpr, 0, 0);
    const accent = this.palette.one('accent');
    this.#others(context);
    this.#ghosts(context, dpr);
    this.#dropFrame(context, accent);
    this.#selected(context, accent, viewer, editing);
    if (!viewer) this.#ports(context, accent);
    this.#connection(context, accent);
    this.#draft(context, accent);
    this.#guides(context);
    const { marquee } = this.feedback;
    if (marquee) {
      const r = this.#onScreen(marquee);
      context.fillStyle = accent; context.globalAlpha = 0.1;
      context.fillRect(r.x, r.y, r.w, r.h);
      context.globalAlpha = 1;
      context.strokeStyle = accent; context.lineWidth = 1;
      context.strokeRect(r.x, r.y, r.w, r.h);
    }
  }

  #onScreen(rect: Rect): Rect {
    const at = this.camera.toScreen(rect), { zoom } = this.camera;
    return { x: at.x, y: at.y, w: rect.w * zoom, h: rect.h * zoom };
  }

  #others(context: CanvasRenderingContext2D): void {
    for (const person of this.presence.people.values()) {
      context.strokeStyle = person.color; context.lineWidth = 1.5;
      const ids = person.selection ?? [];
      let first: Rect | null = null;
      for (const id of ids.length > OUTLINES ? [] : ids) {
        const box = this.scene.box(id);
        if (!box) continue;
        const r = this.#onScreen(box);
        first ??= r;
        context.strokeRect(r.x - 3, r.y - 3, r.w + 6, r.h + 6);
      }
      if (!first) continue;
      const label = person.editing ? `${person.name} is typing` : person.name;
      context.font = `500 11px ${this.painter.family}`;
      const w = context.measureText(label).width + 10;
      context.fillStyle = person.color;
      context.beginPath();
      context.roundRect(first.x - 3, first.y - 21, w, 16, 3);
      context.fill();
      context.fillStyle = readable(person.color);
      context.textAlign = 'left'; context.textBaseline = 'middle';
      context.fillText(label, first.x + 2, first.y - 12.5);
    }
  }

  #ghosts(context: CanvasRenderingContext2D, dpr: number): void {
    if (this.feedback.ghosts.length === 0) return;
    const { camera } = this, scale = camera.zoom * dpr;
    context.save();
    context.setTransform(scale, 0, 0, scale, -camera.x * scale, -camera.y * scale);
    context.globalAlpha = 0.6;
    for (const { node, box } of this.feedback.ghosts) {
      if (node.kind === 'frame') this.painter.frame(context, node, box, camera.zoom);
      else this.painter.node(context, node, box, camera.zoom);
    }
    context.restore();
  }

  #dropFrame(context: CanvasRenderingContext2D, accent: string): void {
    const box = this.feedback.dropFrame && this.scene.box(this.feedback.dropFrame);
    if (!box) return;
    const r = this.#onScreen(box);
    context.strokeStyle = accent; context.lineWidth = 2;
    context.strokeRect(r.x, r.y, r.w, r.h);
  }

  #selected(context: CanvasRenderingContext2D, accent: string, viewer: boolean, editing: string | null): void {
    const { scene, selection } = this;
    if (selection.size === 0) return;
    context.strokeStyle = accent;
    context.lineWidth = 1.5;
    let nodes = 0;
    for (const id of selection.ids) if (scene.nodes.has(id)) nodes++;
    context.beginPath();
    for (const id of selection.ids) {
      const box = scene.box(id);
      if (box) {
        if (nodes <= OUTLINES) { const r = this.#onScreen(box); context.rect(r.x, r.y, r.w, r.h); }
        continue;
      }
    }
    context.stroke();
    this.#selectedEdges(context, accent, viewer);
    const box = resizeBox(scene, selection);
    if (nodes > 1) {
      const all = scene.bounds([...selection.ids].filter(id => scene.nodes.has(id)));
      if (all) { const r = this.#onScreen(all); context.lineWidth = 1; context.strokeRect(r.x, r.y, r.w, r.h); }
    }
    if (!box || viewer || this.feedback.busy || editing) return;
    const r = this.#onScreen(box);
    const size = 4;
    context.fillStyle = this.palette.one('bg');
    context.lineWidth = 1.5;
    for (const x of [r.x, r.x + r.w]) {
      for (const y of [r.y, r.y + r.h]) {
        context.beginPath();
        context.roundRect(x - size, y - size, 2 * size, 2 * size, 2);
        context.fill(); context.stroke();
      }
    }
  }

  #selectedEdges(context: CanvasRenderingContext2D, accent: string, viewer: boolean): void {
    const { camera, scene } = this;
    if (this.selection.size > OUTLINES) return;
    for (const id of this.selection.ids) {
      const edge = scene.edges.get(id), way = edge && scene.way(edge);
      if (!edge || !way || this.feedback.connection?.edge === id) continue;
      context.save();
      context.translate(-camera.x * camera.zoom, -camera.y * camera.zoom);
      context.scale(camera.zoom, camera.zoom);
      context.strokeStyle = accent; context.globalAlpha = 0.45;
      context.lineWidth = (edge.width || 1.75) + 4 / camera.zoom;
      context.lineCap = 'round';
      context.beginPath();
      traceRoute(context, way);
      context.stroke();
      context.restore();
      if (viewer || this.feedback.busy || this.selection.size > 1) continue;
      const p = way.points;
      for (const end of [{ x: p[0]!, y: p[1]! }, { x: p[p.length - 2]!, y: p[p.length - 1]! }]) {
        const at = camera.toScreen(end);
        context.beginPath();
        context.arc(at.x, at.y, 5, 0, 2 * Math.PI);
        context.fillStyle = this.palette.one('bg'); context.fill();
        context.strokeStyle = accent; context.lineWidth = 1.5; context.stroke();
      }
    }
  }

  #ports(context: CanvasRenderingContext2D, accent: string): void {
    const { feedback, scene, camera } = this;
    const show = feedback.connection ? feedback.hovered : feedback.busy ? null : feedback.hovered;
    const single = !feedback.busy && !feedback.connection && this.selection.size === 1 ? [...this.selection.ids][0]! : null;
    for (const id of new Set([show, single])) {
      const node = id ? scene.nodes.get(id) : undefined;
      if (!node || node.locked || node.kind === 'frame') continue;
      const box = scene.box(node.id) ?? node;
      if (!showsPorts(camera, box)) continue;
      const docked = feedback.connection !== null;
      for (const port of PORTS) {
        const at = docked ? camera.toScreen(portPoint(node.kind, box, port)) : portHandle(camera, node, box, port);
        const taken = feedback.connection?.to?.node === node.id && feedback.connection.to.port === port;
        context.beginPath();
        context.arc(at.x, at.y, taken ? 7 : 4.5, 0, 2 * Math.PI);
        context.fillStyle = taken ? accent : this.palette.one('bg');
        context.fill();
        context.strokeStyle = accent; context.lineWidth = 1.5;
        context.stroke();
      }
    }
  }

  #connection(context: CanvasRenderingContext2D, accent: string): void {
    const { connection } = this.feedback;
    const { scene, camera } = this;
    if (!connection) return;
    const from = scene.nodes.get(connection.from.node), fromBox = scene.box(connection.from.node);
    if (!from || !fromBox) return;
    const a = portPoint(from.kind, fromBox, connection.from.port);
    const toNode = connection.to && scene.nodes.get(connection.to.node), toBox = connection.to && scene.box(connection.to.node);
    const b = toNode && toBox && connection.to ? portPoint(toNode.kind, toBox, connection.to.port) : connection.at;
    const toPort = connection.to?.port ?? nearestPort({ x: b.x - 1, y: b.y - 1, w: 2, h: 2 }, a);
    const kind = connection.edge ? scene.edges.get(connection.edge)?.kind ?? 'bezier' : 'bezier';
    context.save();
    context.translate(-camera.x * camera.zoom, -camera.y * camera.zoom);
    context.scale(camera.zoom, camera.zoom);
    context.strokeStyle = accent; context.lineWidth = 2 / Math.min(camera.zoom, 1); context.lineCap = 'round';
    if (!connection.to) context.setLineDash([6, 6]);
    context.beginPath();
    traceRoute(context, route(kind, a, connection.from.port, b, toPort));
    context.stroke();
    context.restore();
  }

  #draft(context: CanvasRenderingContext2D, accent: string): void {
    const { draft } = this.feedback;
    if (!draft) return;
    const r = this.#onScreen(draft.box);
    const fill = traitsOf(draft.kind).fill;
    context.beginPath();
    traceOutline(context, draft.kind, r);
    if (fill !== 'none') { context.globalAlpha = 0.5; context.fillStyle = this.palette.of('fill', fill); context.fill(); context.globalAlpha = 1; }
    context.strokeStyle = accent; context.lineWidth = 1.5;
    context.stroke();
  }

  #guides(context: CanvasRenderingContext2D): void {
    if (this.feedback.guides.length === 0) return;
    context.strokeStyle = this.palette.of('stroke', 'red');
    context.lineWidth = 1;
    context.beginPath();
    for (const { axis, at, from, to } of this.feedback.guides) {
      const a = this.camera.toScreen(axis === 'x' ? { x: at, y: from } : { x: from, y: at });
      const b = this.camera.toScreen(axis === 'x' ? { x: at, y: to } : { x: to, y: at });
      const snap = (n: number): number => Math.round(n) + 0.5;
      if (axis === 'x') { context.moveTo(snap(a.x), a.y - 6); context.lineTo(snap(a.x), b.y + 6); }
      else { context.moveTo(a.x - 6, snap(a.y)); context.lineTo(b.x + 6, snap(a.y)); }
    }
    context.stroke();
  }
}
