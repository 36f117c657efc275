import type { Camera } from './camera';
import { centre, type Point, type Rect } from './geometry';
import type { Palette } from './palette';
import type { Presence } from './presence';
import type { Scene } from './scene';
import { traitsOf } from './shapes';

/** The whole board small, with the visible part marked; press or drag to go there. Nodes are redrawn at most 4 times a second. */
export class Minimap {
  readonly #canvas = document.createElement('canvas');
  readonly #picture = document.createElement('canvas');
  #shown: Rect | null = null;
  #drawnAt = -1e9;
  #stale = true;
  #version = -1;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly host: HTMLElement, private readonly scene: Scene, private readonly camera: Camera,
    private readonly presence: Presence, private readonly palette: Palette, private readonly redraw: () => void,
  ) {
    this.#canvas.className = 'board-minimap';
    this.#canvas.setAttribute('role', 'img');
    this.#canvas.setAttribute('aria-label', 'Overview of the board');
    this.host.append(this.#canvas);
    scene.onChange(() => { this.#stale = true; });
    this.#canvas.addEventListener('pointerdown', event => {
      if (event.button !== 0) return;
      this.#canvas.setPointerCapture(event.pointerId);
      this.#go(event);
      event.preventDefault(); event.stopPropagation();
    });
    this.#canvas.addEventListener('pointermove', event => { if (this.#canvas.hasPointerCapture(event.pointerId)) this.#go(event); });
    this.#canvas.addEventListener('wheel', event => {
      event.preventDefault();
      camera.zoomBy(Math.exp(-event.deltaY * 0.002));
      redraw();
    }, { passive: false });
  }

  get enabled(): boolean { return !this.host.classList.contains('board-minimap-off'); }
  toggle(): void { this.host.classList.toggle('board-minimap-off'); this.#stale = true; this.redraw(); }

  update(now: number): void {
    const empty = this.scene.nodes.size === 0;
    if (this.host.hidden !== empty) this.host.hidden = empty;
    if (empty || this.host.offsetParent === null) return;
    const dpr = Math.min(devicePixelRatio || 1, 2);
    const w = Math.round(this.host.clientWidth * dpr), h = Math.round(this.host.clientHeight * dpr);
    if (w === 0 || h === 0) return;
    if (this.#canvas.width !== w || this.#canvas.height !== h) { this.#canvas.width = w; this.#canvas.height = h; this.#stale = true; }
    const content = roomy(this.scene.bounds());
    if (!content) return;
    if (this.#stale || this.#version !== this.palette.version) {
      if (now - this.#drawnAt < 250) {
        this.#timer ??= setTimeout(() => { this.#timer = undefined; this.redraw(); }, 260);
      } else this.#paint(content, w, h, now);
    }
    this.#compose(w, h, dpr);
  }

  dispose(): void { clearTimeout(this.#timer); this.#canvas.remove(); }

  #scale(w: number, h: number): { scale: number; x: number; y: number } {
    const area = this.#shown ?? { x: 0, y: 0, w: 1, h: 1 };
    const scale = Math.min(w / Math.max(area.w, 1), h / Math.max(area.h, 1)) * 0.9;
    const middle = centre(area);
    return { scale, x: w / 2 - middle.x * scale, y: h / 2 - middle.y * scale };
  }

  #paint(content: Rect, w: number, h: number, now: number): void {
    this.#stale = false;
    this.#drawnAt = now;
    this.#version = this.palette.version;
    this.#shown = content;
    this.#picture.width = w; this.#picture.height = h;
    const context = this.#picture.getContext('2d')!;
    const { scale, x, y } = this.#scale(w, h);
    const paint = (frames: boolean): void => {
      for (const node of this.scene.nodes.values()) {
        if ((node.kind === 'frame') !== frames) continue;
        const traits = traitsOf(node.kind), fill = node.fill || traits.fill;
        context.fillStyle = frames || fill === 'none' || fill === 'white' ? this.palette.of('stroke', node.stroke === 'none' || !node.stroke ? 'gray' : node.stroke) : this.palette.of('fill', fill);
        context.globalAlpha = frames ? 0.18 : fill === 'white' || fill === 'none' ? 0.5 : 1;
        context.fillRect(node.x * scale + x, node.y * scale + y, Math.max(1.5, node.w * scale), Math.max(1.5, node.h * scale));
      }
    };
    paint(true); paint(false);
  }

  #compose(w: number, h: number, dpr: number): void {
    const context = this.#canvas.getContext('2d')!;
    context.clearRect(0, 0, w, h);
    context.drawImage(this.#picture, 0, 0);
    const { scale, x, y } = this.#scale(w, h);
    const view = this.camera.visible();
    context.strokeStyle = this.palette.one('accent');
    context.lineWidth = 1.5 * dpr;
    const left = Math.max(dpr, view.x * scale + x), top = Math.max(dpr, view.y * scale + y);
    const right = Math.min(w - dpr, (view.x + view.w) * scale + x), bottom = Math.min(h - dpr, (view.y + view.h) * scale + y);
    if (right > left && bottom > top) {
      context.globalAlpha = 0.08; context.fillStyle = context.strokeStyle; context.fillRect(left, top, right - left, bottom - top);
      context.globalAlpha = 1; context.strokeRect(left, top, right - left, bottom - top);
    }
    for (const person of this.presence.people.values()) {
      if (!person.shown) continue;
      context.fillStyle = person.color;
      context.beginPath();
      context.arc(person.shown.x * scale + x, person.shown.y * scale + y, 3 * dpr, 0, 2 * Math.PI);
      context.fill();
    }
  }

  #go(event: PointerEvent): void {
    const box = this.#canvas.getBoundingClientRect();
    const { scale, x, y } = this.#scale(this.#canvas.width, this.#canvas.height);
    const ratio = this.#canvas.width / Math.max(box.width, 1);
    const point: Point = { x: ((event.clientX - box.left) * ratio - x) / scale, y: ((event.clientY - box.top) * ratio - y) / scale };
    this.camera.centreOn(point);
    this.redraw();
  }
}

/** A few small nodes must not fill the map: it shows at least a screen or two. */
function roomy(content: Rect | null): Rect | null {
  if (!content) return null;
  const w = Math.max(content.w, 2400), h = Math.max(content.h, 1600), { x, y } = centre(content);
  return { x: x - w / 2, y: y - h / 2, w, h };
}
