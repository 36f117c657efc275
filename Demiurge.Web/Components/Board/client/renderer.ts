import { BaseLayer } from './baseLayer';
import type { Camera } from './camera';
import type { BoardNode } from './codec';
import { Cursors } from './cursors';
import { NearNodes } from './nearNodes';
import { Overlay } from './overlay';
import { Painter } from './painter';
import { Palette } from './palette';
import type { Presence } from './presence';
import type { Scene } from './scene';
import type { Selection } from './selection';
import type { Feedback } from './workspace';

/** After this long without a change the camera counts as at rest, in milliseconds. */
const SETTLE = 140;
/** Nobody's viewport is larger, in CSS pixels. */
const LARGEST = 8192;

/**
 * The one frame loop. Asked for a frame by whoever changed something, it advances what moves by itself, repaints the
 * layers whose inputs changed and stops when there is nothing left to do.
 *
 * Layers from the bottom: what is at rest (canvas), what is in motion (canvas), Blazor's elements for near nodes, the
 * overlay (canvas), others' cursors.
 */
export class Renderer {
  readonly palette: Palette;
  readonly painter: Painter;
  readonly near: NearNodes;
  readonly base: BaseLayer;
  readonly #motion = document.createElement('canvas');
  readonly #overlayCanvas = document.createElement('canvas');
  readonly #motionContext: CanvasRenderingContext2D;
  readonly #overlayContext: CanvasRenderingContext2D;
  readonly #overlay: Overlay;
  readonly #cursors: Cursors;
  readonly #resize: ResizeObserver;
  #frame = 0;
  #dpr = 1;
  #overlayDirty = true;
  #cameraVersion = -1;
  #cameraChangedAt = -1e9;
  #settled = false;
  #liftVersion = 0;
  #liftedNodes = new Set<string>();
  #liftedEdges = new Set<string>();
  #rankVersion = -1;
  /** Ids whose text an editor shows in place of us. */
  editing: string | null = null;
  viewer = false;
  /** Called first in every frame; true keeps the loop going. */
  readonly animations: ((now: number) => boolean)[] = [];
  /** Called last in every frame that moved the camera or changed a layer. */
  readonly drawn: (() => void)[] = [];

  constructor(
    readonly stage: HTMLElement, nodesHost: HTMLElement, private readonly scene: Scene, private readonly camera: Camera,
    selection: Selection, private readonly presence: Presence, private readonly feedback: Feedback,
  ) {
    this.palette = new Palette(stage, () => { this.base.invalidate(null); this.redraw(); });
    this.painter = new Painter(scene, this.palette);
    this.painter.family = getComputedStyle(stage).fontFamily || this.painter.family;
    this.near = new NearNodes(nodesHost, scene, area => { this.base.invalidate(area); this.redraw(); });
    this.base = new BaseLayer(this.painter, node => this.#skips(node));
    this.#motion.className = 'board-canvas board-motion';
    this.#overlayCanvas.className = 'board-canvas board-overlay';
    this.#motionContext = this.#motion.getContext('2d')!;
    this.#overlayContext = this.#overlayCanvas.getContext('2d')!;
    this.#overlay = new Overlay(scene, camera, selection, presence, feedback, this.palette, this.painter);
    this.#cursors = new Cursors(presence, camera);
    // Not left to the style sheet: should it come late, canvases in the flow would stretch the stage, which would stretch them.
    Object.assign(stage.style, { position: 'absolute', inset: '0', overflow: 'hidden', contain: 'strict' });
    for (const canvas of [this.base.canvas, this.#motion, this.#overlayCanvas]) Object.assign(canvas.style, { position: 'absolute', left: '0', top: '0' });
    stage.insertBefore(this.base.canvas, nodesHost);
    stage.insertBefore(this.#motion, nodesHost);
    stage.append(this.#overlayCanvas, this.#cursors.host);
    scene.onChange(change => {
      this.base.invalidate(change.area);
      this.near.place(change.nodes);
      this.redraw();
    });
    this.#resize = new ResizeObserver(() => this.#measure());
    this.#resize.observe(stage);
    this.#measure();
  }

  /** Asks for a frame. */
  redraw(): void {
    this.#overlayDirty = true;
    if (this.#frame === 0) this.#frame = requestAnimationFrame(now => this.#draw(now));
  }

  /** True while the camera moves, so that costly things wait. */
  get moving(): boolean { return !this.#settled; }

  dispose(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = -1;
    this.#resize.disconnect();
    this.near.dispose();
    this.palette.dispose();
    for (const element of [this.base.canvas, this.#motion, this.#overlayCanvas, this.#cursors.host]) element.remove();
  }

  #skips(node: BoardNode): boolean { return this.near.shows(node); }

  #measure(): void {
    const width = Math.min(this.stage.clientWidth, LARGEST), height = Math.min(this.stage.clientHeight, LARGEST);
    if (width === 0 || height === 0) return;
    this.#dpr = Math.min(devicePixelRatio || 1, 3);
    this.camera.resize(width, height);
    this.base.resize(width, height, this.#dpr);
    for (const canvas of [this.#motion, this.#overlayCanvas]) {
      canvas.width = Math.round(width * this.#dpr); canvas.height = Math.round(height * this.#dpr);
      canvas.style.width = `${width}px`; canvas.style.height = `${height}px`;
    }
    this.redraw();
  }

  #draw(now: number): void {
    if (this.#frame === -1) return;
    this.#frame = 0;
    let again = this.camera.tick(now);
    for (const animate of this.animations) if (animate(now)) again = true;
    if (this.presence.tick(now)) { again = true; this.#overlayDirty = true; }

    if (this.#cameraVersion !== this.camera.version) {
      this.#cameraVersion = this.camera.version;
      this.#cameraChangedAt = now;
      this.#overlayDirty = true;
    }
    this.#settled = now - this.#cameraChangedAt > SETTLE && !again;
    this.#follow();
    this.near.camera(this.camera, now - this.#cameraChangedAt <= SETTLE);
    if (this.base.update(this.camera, this.#settled && !this.feedback.busy)) again = true;
    if (now - this.#cameraChangedAt <= SETTLE) again = true;
    this.#drawMotion();
    if (this.#overlayDirty) {
      this.#overlayDirty = false;
      this.#overlay.draw(this.#overlayContext, this.#dpr, this.viewer, this.editing);
      this.#cursors.update();
    }
    for (const after of this.drawn) after();
    if (again && this.#frame === 0) this.#frame = requestAnimationFrame(t => this.#draw(t));
  }

  /** Takes what began or ceased to move out of, or back into, the layer of what is at rest. */
  #follow(): void {
    if (this.#rankVersion !== this.scene.rankVersion) { this.#rankVersion = this.scene.rankVersion; this.near.place(null); }
    if (this.#liftVersion === this.scene.liftVersion) return;
    this.#liftVersion = this.scene.liftVersion;
    const nodes = new Set(this.scene.lifted.keys());
    const same = nodes.size === this.#liftedNodes.size && [...nodes].every(id => this.#liftedNodes.has(id));
    if (!same) {
      const changed = [...nodes].filter(id => !this.#liftedNodes.has(id)).concat([...this.#liftedNodes].filter(id => !nodes.has(id)));
      if (changed.length > 50) this.base.invalidate(null);
      else {
        for (const id of changed) {
          const node = this.scene.nodes.get(id);
          if (node) this.base.invalidate(node);
          for (const edgeId of this.scene.edgesOf(id)) {
            const area = this.scene.restingBounds(edgeId);
            if (area) this.base.invalidate(area);
          }
        }
      }
      this.#liftedNodes = nodes;
      this.#liftedEdges = this.scene.liftedEdges(new Set());
    }
    this.near.placeLifted();
    this.#overlayDirty = true;
  }

  #drawMotion(): void {
    const context = this.#motionContext, style = this.#motion.style;
    if (this.scene.lifted.size === 0) { if (style.display !== 'none') style.display = 'none'; return; }
    if (style.display !== '') style.display = '';
    const scale = this.camera.zoom * this.#dpr;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.#motion.width, this.#motion.height);
    context.setTransform(scale, 0, 0, scale, -this.camera.x * scale, -this.camera.y * scale);
    this.painter.lifted(context, this.camera.visible(), this.camera.zoom, node => this.#skips(node), this.#liftedEdges);
  }
}
