/** Short messages at the foot of the board, read out by screen readers. */
export class Toasts {
  readonly #host = document.createElement('div');

  constructor(root: HTMLElement) {
    this.#host.className = 'board-toasts';
    this.#host.setAttribute('role', 'status');
    this.#host.setAttribute('aria-live', 'polite');
    root.append(this.#host);
  }

  show(text: string, tone: 'info' | 'error' = 'info'): void { this.#add(text, tone, tone === 'error' ? 6000 : 3000); }

  /** As `show`, with something that can be done about it. */
  offer(text: string, label: string, action: () => void): void {
    const toast = this.#add(text, 'info', 9000), button = document.createElement('button');
    button.type = 'button';
    button.textContent = label;
    button.addEventListener('click', () => { toast.remove(); action(); });
    toast.append(button);
  }

  dispose(): void { this.#host.remove(); }

  #add(text: string, tone: 'info' | 'error', milliseconds: number): HTMLElement {
    const last = this.#host.lastElementChild;
    if (last?.textContent === text) last.remove();
    const toast = document.createElement('div');
    toast.className = `board-toast board-toast-${tone}`;
    toast.textContent = text;
    this.#host.append(toast);
    while (this.#host.children.length > 3) this.#host.firstElementChild!.remove();
    setTimeout(() => toast.remove(), milliseconds);
    return toast;
  }
}
