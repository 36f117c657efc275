import type { Camera, View } from './camera';

/**
 * The place on each board, kept for this tab (a reload, also after a server restart, comes back to it) and, as a fallback,
 * for the next visit in any tab.
 */
export class ViewportMemory {
  readonly #key: string;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(projectId: string) { this.#key = `demiurge.board.${projectId}.viewport`; }

  recall(): View | null {
    for (const store of stores()) {
      try {
        const view = JSON.parse(store.getItem(this.#key) ?? 'null') as View | null;
        if (view && [view.x, view.y, view.zoom].every(Number.isFinite) && view.zoom > 0) return view;
      } catch { /* damaged or forbidden: as if there were none */ }
    }
    return null;
  }

  keep(camera: Camera): void {
    this.#timer ??= setTimeout(() => { this.#timer = undefined; this.now(camera); }, 250);
  }

  now(camera: Camera): void {
    const view = JSON.stringify({ x: camera.x, y: camera.y, zoom: camera.zoom });
    for (const store of stores()) {
      try { store.setItem(this.#key, view); } catch { /* full or forbidden: the place is a convenience */ }
    }
  }

  dispose(): void { clearTimeout(this.#timer); }
}

function stores(): Storage[] {
  try { return [sessionStorage, localStorage]; } catch { return []; }
}
