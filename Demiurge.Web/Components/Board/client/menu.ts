import type { Point } from './geometry';

/** A small list of choices at a point of the stage; Escape or a press elsewhere chooses nothing (''). */
export class Picker {
  #element: HTMLElement | null = null;
  #chosen: ((value: string) => void) | null = null;

  constructor(private readonly stage: HTMLElement) {}

  get open(): boolean { return this.#element !== null; }

  show(screen: Point, label: string, choices: readonly { value: string; label: string }[], chosen: (value: string) => void): void {
    this.close();
    const element = document.createElement('div');
    element.className = 'board-picker';
    element.setAttribute('role', 'menu');
    element.setAttribute('aria-label', label);
    for (const choice of choices) {
      const button = document.createElement('button');
      button.type = 'button';
      button.setAttribute('role', 'menuitem');
      button.textContent = choice.label;
      button.addEventListener('click', () => this.#finish(choice.value));
      element.append(button);
    }
    element.addEventListener('pointerdown', event => event.stopPropagation());
    element.addEventListener('keydown', event => {
      event.stopPropagation();
      const items = [...element.querySelectorAll('button')], at = items.indexOf(document.activeElement as HTMLButtonElement);
      if (event.key === 'Escape') { event.preventDefault(); this.close(); }
      if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
        event.preventDefault();
        items[(at + (event.key === 'ArrowDown' ? 1 : -1) + items.length) % items.length]?.focus();
      }
    });
    this.#element = element;
    this.#chosen = chosen;
    this.stage.append(element);
    placeInside(element, screen, this.stage);
    element.querySelector('button')?.focus({ preventScroll: true });
  }

  close(): void { this.#finish(''); }

  #finish(value: string): void {
    const chosen = this.#chosen;
    this.#element?.remove();
    this.#element = null;
    this.#chosen = null;
    chosen?.(value);
  }
}

/** Puts an absolutely placed element at a point, pushed in where it would stick out. */
export function placeInside(element: HTMLElement, at: Point, container: HTMLElement): void {
  const w = element.offsetWidth, h = element.offsetHeight;
  const x = Math.max(8, Math.min(at.x, container.clientWidth - w - 8)), y = Math.max(8, Math.min(at.y, container.clientHeight - h - 8));
  element.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
}
