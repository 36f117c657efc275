import { clamp, type Point, type Rect } from './geometry';

export const MIN_ZOOM = 0.05;
export const MAX_ZOOM = 8;

interface Flight { from: View; to: View; start: number; duration: number }
export interface View { x: number; y: number; zoom: number }

/**
 * What part of the board the element shows: board point (x, y) is at its top left corner, one board unit is `zoom` CSS
 * pixels. Flights (fit, jump to a person) are advanced by {@link tick} from the one frame loop; any direct change lands
 * them at once.
 */
export class Camera {
  x = 0;
  y = 0;
  zoom = 1;
  width = 1;
  height = 1;
  /** Rises with every change; the renderer compares it. */
  version = 0;
  reducedMotion = false;
  #flight: Flight | null = null;

  get flying(): boolean { return this.#flight !== null; }

  resize(width: number, height: number): void {
    if (width === this.width && height === this.height) return;
    this.width = Math.max(1, width); this.height = Math.max(1, height); this.version++;
  }

  toBoard(screen: Point): Point {
    return { x: this.x + screen.x / this.zoom, y: this.y + screen.y / this.zoom };
  }

  toScreen(point: Point): Point {
    return { x: (point.x - this.x) * this.zoom, y: (point.y - this.y) * this.zoom };
  }

  /** The visible part of the board. */
  visible(): Rect {
    return { x: this.x, y: this.y, w: this.width / this.zoom, h: this.height / this.zoom };
  }

  set(view: View): void {
    this.#flight = null;
    this.#apply(view);
  }

  /** Moves the board under the pointer by screen pixels. */
  panBy(dx: number, dy: number): void {
    this.set({ x: this.x - dx / this.zoom, y: this.y - dy / this.zoom, zoom: this.zoom });
  }

  /** Zooms by a factor, keeping the board point under `screen` where it is. */
  zoomBy(factor: number, screen: Point = { x: this.width / 2, y: this.height / 2 }): void {
    this.set(this.#zoomedTo(this.zoom * factor, screen));
  }

  zoomTo(zoom: number, screen: Point = { x: this.width / 2, y: this.height / 2 }, now?: number): void {
    const view = this.#zoomedTo(zoom, screen);
    if (now === undefined) this.set(view); else this.flyTo(view, now);
  }

  centreOn(point: Point, now?: number, zoom = this.zoom): void {
    const view = { x: point.x - this.width / 2 / zoom, y: point.y - this.height / 2 / zoom, zoom };
    if (now === undefined) this.set(view); else this.flyTo(view, now);
  }

  /** The view that shows all of `rect` with `padding` screen pixels around it, never closer than `maxZoom`. */
  viewOf(rect: Rect, padding = 64, maxZoom = 1): View {
    const pad = Math.min(padding, this.width / 12, this.height / 12);
    const zoom = clamp(
      Math.min((this.width - 2 * pad) / Math.max(rect.w, 1), (this.height - 2 * pad) / Math.max(rect.h, 1)),
      MIN_ZOOM, maxZoom);
    return {
      x: rect.x + rect.w / 2 - this.width / 2 / zoom,
      y: rect.y + rect.h / 2 - this.height / 2 / zoom,
      zoom,
    };
  }

  flyTo(view: View, now: number, duration = 260): void {
    const to = { ...view, zoom: clamp(view.zoom, MIN_ZOOM, MAX_ZOOM) };
    if (this.reducedMotion || duration <= 0) { this.set(to); return; }
    this.#flight = { from: { x: this.x, y: this.y, zoom: this.zoom }, to, start: now, duration };
    this.version++;
  }

  /** Advances a flight; `now` is the frame's time in milliseconds. True while one is under way. */
  tick(now: number): boolean {
    const flight = this.#flight;
    if (!flight) return false;
    const t = clamp((now - flight.start) / flight.duration, 0, 1);
    const eased = 1 - Math.pow(1 - t, 3);
    // Interpolates the centre and the logarithm of the zoom, so that a long flight does not rush through its near end.
    const zoom = flight.from.zoom * Math.pow(flight.to.zoom / flight.from.zoom, eased);
    const half = (view: View): Point => ({ x: view.x + this.width / 2 / view.zoom, y: view.y + this.height / 2 / view.zoom });
    const a = half(flight.from), b = half(flight.to);
    const span = flight.from.zoom === flight.to.zoom ? eased
      : (1 / zoom - 1 / flight.from.zoom) / (1 / flight.to.zoom - 1 / flight.from.zoom);
    const cx = a.x + (b.x - a.x) * span, cy = a.y + (b.y - a.y) * span;
    if (t >= 1) this.#flight = null;
    this.#apply(t >= 1 ? flight.to : { x: cx - this.width / 2 / zoom, y: cy - this.height / 2 / zoom, zoom });
    return this.#flight !== null;
  }

  #zoomedTo(zoom: number, screen: Point): View {
    const to = clamp(zoom, MIN_ZOOM, MAX_ZOOM);
    const anchor = this.toBoard(screen);
    return { x: anchor.x - screen.x / to, y: anchor.y - screen.y / to, zoom: to };
  }

  #apply(view: View): void {
    if (!Number.isFinite(view.x) || !Number.isFinite(view.y) || !Number.isFinite(view.zoom)) return;
    this.x = clamp(view.x, -1e7, 1e7); this.y = clamp(view.y, -1e7, 1e7);
    this.zoom = clamp(view.zoom, MIN_ZOOM, MAX_ZOOM);
    this.version++;
  }
}
