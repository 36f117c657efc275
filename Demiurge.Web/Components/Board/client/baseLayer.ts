import type { BoardNode } from './codec';
import type { Camera } from './camera';
import type { Rect } from './geometry';
import type { Painter } from './painter';

/** How much more than the viewport the canvas holds on every side, in CSS pixels. */
const MARGIN = 320;
/** Drawn ahead of a pan in one go, in CSS pixels. */
const AHEAD = 96;
/** A full repaint that takes longer than this (our part of it, in milliseconds) is not done in every frame of a zoom. */
const COSTLY = 5;
const REPAINT_EVERY = 120;

/** A rectangle of device pixels of the layer's canvas. */
interface Area { x0: number; y0: number; x1: number; y1: number }

/**
 * The canvas of what is at rest. It is larger than the viewport, so a pan only moves it; when a pan leaves the part that
 * is drawn (`valid`), the pixels are shifted and only the new strips are painted. A change repaints its own area. Zooming
 * repaints what is visible and leaves the margin to a quiet moment; where that is slow, the picture is scaled and repainted
 * a few times a second, and sharp again when the camera rests.
 * Invariant: after {@link update} the visible area lies inside `valid`, and `valid` inside the canvas.
 */
export class BaseLayer {
  readonly canvas = document.createElement('canvas');
  readonly #context: CanvasRenderingContext2D;
  #dpr = 1;
  #zoom = 0;
  /** Board point at device pixel (0, 0). */
  #x = 0;
  #y = 0;
  #valid: Area = { x0: 0, y0: 0, x1: 0, y1: 0 };
  #dirty: Rect[] = [];
  #all = true;
  #cost = 0;
  #paintedAt = 0;

  constructor(private readonly painter: Painter, private readonly skip: (node: BoardNode) => boolean) {
    this.canvas.className = 'board-canvas board-base';
    this.#context = this.canvas.getContext('2d')!;
  }

  resize(width: number, height: number, dpr: number): void {
    const w = Math.ceil((width + 2 * MARGIN) * dpr), h = Math.ceil((height + 2 * MARGIN) * dpr);
    if (this.canvas.width === w && this.canvas.height === h && this.#dpr === dpr) return;
    this.#dpr = dpr;
    this.canvas.width = w; this.canvas.height = h;
    this.canvas.style.width = `${w / dpr}px`; this.canvas.style.height = `${h / dpr}px`;
    this.#all = true;
  }

  /** Repaint an area of the board, or everything. */
  invalidate(area: Rect | null): void {
    if (area === null) this.#all = true;
    else if (!this.#all) this.#dirty.push(area);
  }

  /** Brings the canvas in line with the camera and the scene. True while a part of the margin is still to be drawn. */
  update(camera: Camera, settled: boolean): boolean {
    const { width, height } = this.canvas;
    const scale = camera.zoom * this.#dpr;
    const margin = Math.round(MARGIN * this.#dpr);
    if (!this.#all && this.#zoom !== camera.zoom && !settled && this.#scaled(camera)) return true;
    if (this.#all || this.#zoom !== camera.zoom) {
      this.#zoom = camera.zoom;
      this.#x = camera.x - margin / scale; this.#y = camera.y - margin / scale;
      this.#valid = { x0: 0, y0: 0, x1: 0, y1: 0 };
      this.#all = false;
      this.#dirty.length = 0;
    }
    let left = (camera.x - this.#x) * scale, top = (camera.y - this.#y) * scale;
    const seen = (): Area => ({
      x0: Math.max(0, Math.floor(left)), y0: Math.max(0, Math.floor(top)),
      x1: Math.min(width, Math.ceil(left + camera.width * this.#dpr)), y1: Math.min(height, Math.ceil(top + camera.height * this.#dpr)),
    });
    if (left < 0 || top < 0 || left + camera.width * this.#dpr > width || top + camera.height * this.#dpr > height) {
      this.#shift(Math.round(left) - margin, Math.round(top) - margin, scale);
      left = (camera.x - this.#x) * scale; top = (camera.y - this.#y) * scale;
    }
    for (const area of this.#merged(scale)) this.#paint(this.#clipped(area, this.#valid), scale);

    const ahead = Math.round(AHEAD * this.#dpr);
    const visible = seen();
    if (!inside(visible, this.#valid)) {
      const fresh = isEmptyArea(this.#valid);
      const began = performance.now();
      this.#extend(fresh ? visible : {
        x0: visible.x0 < this.#valid.x0 ? Math.max(0, visible.x0 - ahead) : this.#valid.x0,
        y0: visible.y0 < this.#valid.y0 ? Math.max(0, visible.y0 - ahead) : this.#valid.y0,
        x1: visible.x1 > this.#valid.x1 ? Math.min(width, visible.x1 + ahead) : this.#valid.x1,
        y1: visible.y1 > this.#valid.y1 ? Math.min(height, visible.y1 + ahead) : this.#valid.y1,
      }, scale);
      if (fresh) { this.#paintedAt = performance.now(); this.#cost = this.#paintedAt - began; }
    } else if (settled) {
      // One side of the margin a frame.
      const v = this.#valid;
      if (v.x1 < width) this.#extend({ ...v, x1: Math.min(width, v.x1 + margin) }, scale);
      else if (v.x0 > 0) this.#extend({ ...v, x0: Math.max(0, v.x0 - margin) }, scale);
      else if (v.y1 < height) this.#extend({ ...v, y1: Math.min(height, v.y1 + margin) }, scale);
      else if (v.y0 > 0) this.#extend({ ...v, y0: Math.max(0, v.y0 - margin) }, scale);
    }
    this.canvas.style.transform = `translate(${-left / this.#dpr}px, ${-top / this.#dpr}px)`;
    const v = this.#valid;
    return v.x0 > 0 || v.y0 > 0 || v.x1 < width || v.y1 < height;
  }

  /** Shows the picture of another zoom, scaled, where it covers the viewport and is fresh enough. */
  #scaled(camera: Camera): boolean {
    if (this.#cost < COSTLY || performance.now() - this.#paintedAt > REPAINT_EVERY || this.#dirty.length > 0) return false;
    const was = this.#zoom * this.#dpr;
    const x0 = (camera.x - this.#x) * was, y0 = (camera.y - this.#y) * was;
    const x1 = x0 + camera.width * was / camera.zoom, y1 = y0 + camera.height * was / camera.zoom;
    if (!inside({ x0, y0, x1, y1 }, this.#valid)) return false;
    const ratio = camera.zoom / this.#zoom;
    this.canvas.style.transform = `translate(${-x0 * ratio / this.#dpr}px, ${-y0 * ratio / this.#dpr}px) scale(${ratio})`;
    return true;
  }

  /** Moves the pixels so that device pixel (dx, dy) becomes (0, 0). */
  #shift(dx: number, dy: number, scale: number): void {
    const v = this.#valid, { width, height } = this.canvas;
    this.#x += dx / scale; this.#y += dy / scale;
    const moved = this.#clipped({ x0: v.x0 - dx, y0: v.y0 - dy, x1: v.x1 - dx, y1: v.y1 - dy }, { x0: 0, y0: 0, x1: width, y1: height });
    if (!isEmptyArea(moved)) {
      const context = this.#context;
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.globalCompositeOperation = 'copy';
      context.drawImage(this.canvas, -dx, -dy);
      context.globalCompositeOperation = 'source-over';
    }
    this.#valid = isEmptyArea(moved) ? { x0: 0, y0: 0, x1: 0, y1: 0 } : moved;
  }

  /** Paints what `to` has more than `valid`, and makes it the valid area. */
  #extend(to: Area, scale: number): void {
    const v = this.#valid;
    if (isEmptyArea(v)) this.#paint(to, scale);
    else {
      this.#paint({ x0: to.x0, y0: to.y0, x1: to.x1, y1: v.y0 }, scale);
      this.#paint({ x0: to.x0, y0: v.y1, x1: to.x1, y1: to.y1 }, scale);
      this.#paint({ x0: to.x0, y0: v.y0, x1: v.x0, y1: v.y1 }, scale);
      this.#paint({ x0: v.x1, y0: v.y0, x1: to.x1, y1: v.y1 }, scale);
    }
    this.#valid = to;
  }

  #merged(scale: number): Area[] {
    if (this.#dirty.length === 0) return [];
    const areas = this.#dirty.map(rect => {
      const pad = 4 + 28 * this.#dpr; // strokes, shadows, a frame's title
      return {
        x0: Math.floor((rect.x - this.#x) * scale - pad), y0: Math.floor((rect.y - this.#y) * scale - pad),
        x1: Math.ceil((rect.x + rect.w - this.#x) * scale + pad), y1: Math.ceil((rect.y + rect.h - this.#y) * scale + pad),
      };
    }).filter(area => !isEmptyArea(this.#clipped(area, this.#valid)));
    this.#dirty.length = 0;
    if (areas.length <= 4) return areas;
    return [areas.reduce((a, b) => ({ x0: Math.min(a.x0, b.x0), y0: Math.min(a.y0, b.y0), x1: Math.max(a.x1, b.x1), y1: Math.max(a.y1, b.y1) }))];
  }

  #clipped(a: Area, b: Area): Area {
    return { x0: Math.max(a.x0, b.x0), y0: Math.max(a.y0, b.y0), x1: Math.min(a.x1, b.x1), y1: Math.min(a.y1, b.y1) };
  }

  #paint(area: Area, scale: number): void {
    if (isEmptyArea(area)) return;
    const context = this.#context;
    const w = area.x1 - area.x0, h = area.y1 - area.y0;
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.beginPath();
    context.rect(area.x0, area.y0, w, h);
    context.clip();
    context.clearRect(area.x0, area.y0, w, h);
    context.setTransform(scale, 0, 0, scale, -this.#x * scale, -this.#y * scale);
    this.painter.region(context, { x: this.#x + area.x0 / scale, y: this.#y + area.y0 / scale, w: w / scale, h: h / scale }, this.#zoom, this.skip);
    context.restore();
  }
}

function isEmptyArea(a: Area): boolean { return a.x1 <= a.x0 || a.y1 <= a.y0; }
function inside(a: Area, b: Area): boolean { return a.x0 >= b.x0 && a.y0 >= b.y0 && a.x1 <= b.x1 && a.y1 <= b.y1; }
