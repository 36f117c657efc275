/** Colours by palette name as CSS says them for the scheme in force; the canvas and the DOM draw from the same source. */
export type Role = 'fill' | 'stroke' | 'text';

export const COLOURS = ['none', 'black', 'gray', 'white', 'yellow', 'orange', 'red', 'pink', 'purple', 'blue', 'teal', 'green'] as const;
const SINGLES = ['bg', 'grid', 'ink', 'accent', 'muted'] as const;
type Single = (typeof SINGLES)[number];
const CLEAR = 'transparent';

export class Palette {
  version = 0;
  readonly #root: HTMLElement;
  readonly #named = new Map<string, string>();
  readonly #stop: () => void;

  constructor(root: HTMLElement, changed: () => void) {
    this.#root = root;
    this.read();
    const again = (): void => { if (this.read()) changed(); };
    // Style sheets may still be on their way, and a theme switch may be animated: read once more a little later.
    const later = (): void => { again(); setTimeout(again, 120); };
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', later);
    const watch = new MutationObserver(later);
    watch.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme', 'class', 'style'] });
    const head = new MutationObserver(later);
    head.observe(document.head, { childList: true });
    addEventListener('load', again);
    this.#stop = () => { scheme.removeEventListener('change', later); watch.disconnect(); head.disconnect(); removeEventListener('load', again); };
  }

  /** Reads every colour anew; true when any changed. */
  read(): boolean {
    const probe = document.createElement('span');
    probe.style.display = 'none';
    this.#root.append(probe);
    const style = getComputedStyle(probe);
    let changed = false;
    const take = (name: string): void => {
      probe.style.color = '';
      probe.style.color = `var(--board-${name}, ${CLEAR})`;
      const value = style.color;
      if (this.#named.get(name) === value) return;
      this.#named.set(name, value);
      changed = true;
    };
    for (const single of SINGLES) take(single);
    for (const role of ['fill', 'stroke', 'text']) for (const colour of COLOURS) take(`${role}-${colour}`);
    probe.remove();
    if (changed) this.version++;
    return changed;
  }

  /** The CSS colour of a palette name in a role; unknown names (a newer palette's, say) read as gray. */
  of(role: Role, name: string): string {
    if (name === 'none') return role === 'text' ? this.one('ink') : CLEAR;
    return this.#named.get(`${role}-${name}`) ?? this.#named.get(`${role}-gray`) ?? CLEAR;
  }

  one(name: Single): string { return this.#named.get(name) ?? CLEAR; }

  dispose(): void { this.#stop(); }
}

/** The same as a CSS expression, for elements. */
export function cssColour(role: Role, name: string): string {
  if (name === 'none') return role === 'text' ? 'var(--board-ink)' : CLEAR;
  const known = (COLOURS as readonly string[]).includes(name) ? name : 'gray';
  return `var(--board-${role}-${known})`;
}

/** Black or white, whichever reads better on a #rrggbb colour. */
export function readable(color: string): string {
  const match = /^#([0-9a-f]{6})$/i.exec(color);
  if (!match) return '#fff';
  const n = parseInt(match[1]!, 16);
  const luminance = 0.299 * (n >> 16) + 0.587 * ((n >> 8) & 255) + 0.114 * (n & 255);
  return luminance > 150 ? '#111' : '#fff';
}
