/**
 * xterm.js finds the cell under the pointer from the element's place on the screen, in unscaled pixels. On a zoomed board it would
 * be beside it. Pointer events inside the element, and those of a selection that began there, are replaced by events at the
 * place where the pointer would be at 100 %.
 */
export class PointerScale {
  readonly #stop = new AbortController();
  #dragging = false;

  constructor(private readonly host: HTMLElement) {
    for (const name of ['mousedown', 'mousemove', 'mouseup', 'click', 'dblclick', 'wheel'] as const) {
      window.addEventListener(name, event => this.#replace(event), { capture: true, passive: false, signal: this.#stop.signal });
    }
  }

  dispose(): void { this.#stop.abort(); }

  #replace(event: MouseEvent): void {
    if (!event.isTrusted) return;
    const target = event.target as Element | null, inside = target !== null && this.host.contains(target);
    if (event.type === 'mousedown') this.#dragging = inside;
    if (!inside && !(this.#dragging && (event.type === 'mousemove' || event.type === 'mouseup'))) return;
    if (event.type === 'mouseup') this.#dragging = false;
    const box = this.host.getBoundingClientRect(), scale = this.host.offsetWidth === 0 ? 1 : box.width / this.host.offsetWidth;
    const at = unscaled({ x: event.clientX, y: event.clientY }, box, scale);
    if (!at || !target) return;
    event.stopImmediatePropagation();
    const init: MouseEventInit = {
      bubbles: true, cancelable: true, composed: true, view: window, detail: event.detail, button: event.button, buttons: event.buttons,
      ctrlKey: event.ctrlKey, shiftKey: event.shiftKey, altKey: event.altKey, metaKey: event.metaKey, clientX: at.x, clientY: at.y,
    };
    const copy = event instanceof WheelEvent
      ? new WheelEvent(event.type, { ...init, deltaX: event.deltaX, deltaY: event.deltaY, deltaMode: event.deltaMode })
      : new MouseEvent(event.type, init);
    if (!target.dispatchEvent(copy)) event.preventDefault();
  }
}

/** Where a point of the scaled box is when the box keeps its corner and loses its scale; null when that changes nothing. */
export function unscaled(point: { x: number; y: number }, box: { left: number; top: number }, scale: number): { x: number; y: number } | null {
  if (!(scale > 0) || Math.abs(scale - 1) < 0.001) return null;
  return { x: box.left + (point.x - box.left) / scale, y: box.top + (point.y - box.top) / scale };
}
