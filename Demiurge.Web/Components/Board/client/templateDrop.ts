import type { Camera } from './camera';
import type { Point } from './geometry';

/** The type under which a template's slug is dragged. */
const TEMPLATE = 'application/x-demiurge-template';

/**
 * Dragging a template (`data-template`, with `data-width` and `data-height` in board units) from the bars onto the board. While it is
 * over the board its outline shows where it goes and how large it will be.
 */
export class TemplateDrop {
  readonly #stop = new AbortController();
  readonly #outline = document.createElement('div');
  #size: { w: number; h: number } | null = null;

  constructor(
    private readonly root: HTMLElement, private readonly stage: HTMLElement, private readonly camera: Camera,
    private readonly hooks: { allowed(): boolean; dropped(template: string, at: Point): void },
  ) {
    this.#outline.className = 'board-drop';
    this.#outline.hidden = true;
    stage.append(this.#outline);
    const options = { signal: this.#stop.signal };
    root.addEventListener('dragstart', event => this.#begin(event), options);
    root.addEventListener('dragend', () => this.#end(), options);
    stage.addEventListener('dragover', event => this.#over(event), options);
    stage.addEventListener('dragleave', event => { if (!stage.contains(event.relatedTarget as Node | null)) this.#outline.hidden = true; }, options);
    stage.addEventListener('drop', event => this.#drop(event), options);
  }

  dispose(): void { this.#end(); this.#stop.abort(); this.#outline.remove(); }

  #begin(event: DragEvent): void {
    const source = (event.target as Element | null)?.closest?.<HTMLElement>('[data-template]'), { template, width, height } = source?.dataset ?? {};
    if (!template || !event.dataTransfer || !this.hooks.allowed()) return;
    event.dataTransfer.setData(TEMPLATE, template);
    event.dataTransfer.effectAllowed = 'copy';
    const picture = source!.querySelector('.tp');
    if (picture) event.dataTransfer.setDragImage(picture, 20, 20);
    this.#size = { w: Number(width) || 400, h: Number(height) || 300 };
    // What it was taken from gets out of the way; at once would end the drag.
    setTimeout(() => { if (this.#size) this.root.setAttribute('data-dropping', ''); });
  }

  #end(): void {
    this.#size = null;
    this.#outline.hidden = true;
    this.root.removeAttribute('data-dropping');
  }

  #over(event: DragEvent): void {
    if (!this.hooks.allowed() || !event.dataTransfer?.types.includes(TEMPLATE)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'copy';
    const { w, h } = this.#size ?? { w: 400, h: 300 }, { zoom } = this.camera, at = this.#at(event), style = this.#outline.style;
    style.width = `${w * zoom}px`;
    style.height = `${h * zoom}px`;
    style.transform = `translate(${at.x - w * zoom / 2}px, ${at.y - h * zoom / 2}px)`;
    this.#outline.hidden = false;
  }

  #drop(event: DragEvent): void {
    const template = event.dataTransfer?.getData(TEMPLATE);
    if (!template || !this.hooks.allowed()) return;
    event.preventDefault();
    const at = this.camera.toBoard(this.#at(event));
    this.#end();
    this.hooks.dropped(template, at);
  }

  #at(event: DragEvent): Point {
    const box = this.stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }
}
