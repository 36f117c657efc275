import type { Rect } from '../geometry';
import { applyDelta, compose, diff, transform, transformIndex, type Delta } from './ot';

/** How the field looks: the same as the text it stands for. Lengths in board units. */
export interface FieldStyle { fontSize: number; align: string; middle: boolean; padding: number; headroom: number; ink: string; singleLine: boolean; background?: string }

export interface FieldHooks {
  /** The person changed the text. */
  typed(delta: Delta): void;
  /** Escape, blur or (single line) Enter. */
  done(): void;
  undo(): void;
  redo(): void;
  /** The text needs a node of this height, in board units. */
  sized(height: number): void;
}

/**
 * A textarea laid over a node. What the person types leaves as deltas; others' deltas are merged under the caret. While an
 * input method is composing, nothing touches the field: what arrives meanwhile waits for the composition's end.
 */
export class TextField {
  readonly element = document.createElement('div');
  readonly #area = document.createElement('textarea');
  #shown: string;
  #composing = false;
  #waiting: Delta = [];
  #closed = false;
  #box: Rect = { x: 0, y: 0, w: 0, h: 0 };
  #style: FieldStyle;

  constructor(host: HTMLElement, text: string, style: FieldStyle, label: string, private readonly hooks: FieldHooks) {
    this.#shown = text;
    this.#style = style;
    this.element.className = 'board-editor';
    const area = this.#area;
    area.value = text;
    area.spellcheck = true;
    area.rows = 1;
    area.setAttribute('aria-label', label);
    area.dataset['testid'] = 'board-editor';
    this.element.append(area);
    host.append(this.element);
    this.restyle(style);
    area.addEventListener('input', () => { if (!this.#composing) this.#take(); });
    area.addEventListener('compositionstart', () => { this.#composing = true; });
    area.addEventListener('compositionend', () => this.#composed());
    area.addEventListener('blur', () => this.#done());
    area.addEventListener('keydown', event => this.#key(event));
    for (const name of ['pointerdown', 'dblclick', 'copy', 'cut', 'paste', 'contextmenu'] as const) area.addEventListener(name, event => event.stopPropagation());
  }

  get text(): string { return this.#shown; }
  get caret(): number { return this.#area.selectionStart; }

  focus(selectAll: boolean): void {
    this.#area.focus({ preventScroll: true });
    if (selectAll) this.#area.select(); else this.#area.setSelectionRange(this.#shown.length, this.#shown.length);
  }

  restyle(style: FieldStyle): void {
    this.#style = style;
    const s = this.#area.style;
    s.fontSize = `${style.fontSize}px`;
    s.textAlign = style.align;
    s.color = style.ink;
    s.background = style.background ?? '';
    this.#fit();
  }

  /** Lays the field over `box`, which is shown with its corner at `screen` and scaled by `zoom`. */
  place(box: Rect, screen: { x: number; y: number }, zoom: number): void {
    const resized = box.w !== this.#box.w || box.h !== this.#box.h;
    this.#box = box;
    this.element.style.transform = `translate(${screen.x}px, ${screen.y}px) scale(${zoom})`;
    if (resized) this.#fit();
  }

  /** Another person's delta, against the text as shown now. */
  merge(delta: Delta): void {
    if (this.#composing) { this.#waiting = compose(this.#waiting, delta); return; }
    const area = this.#area;
    const { selectionStart, selectionEnd, selectionDirection, scrollTop } = area;
    this.#shown = applyDelta(this.#shown, delta);
    area.value = this.#shown;
    area.setSelectionRange(transformIndex(selectionStart, delta), transformIndex(selectionEnd, delta), selectionDirection);
    area.scrollTop = scrollTop;
    this.#fit();
  }

  /** Stops taking input but stays in sight, until what it shows has arrived underneath. */
  linger(): void {
    this.#closed = true;
    this.#area.readOnly = true;
    this.#area.blur();
    this.element.classList.add('board-editor-leaving');
  }

  remove(): void {
    this.#closed = true;
    this.element.remove();
  }

  #composed(): void {
    this.#composing = false;
    this.#take();
  }

  #take(): void {
    const value = this.#style.singleLine ? this.#area.value.replace(/[\r\n]+/g, ' ') : this.#area.value.replace(/\r\n?/g, '\n');
    const delta = diff(this.#shown, value, this.#area.selectionEnd);
    if (value !== this.#area.value) { const at = this.#area.selectionEnd; this.#area.value = value; this.#area.setSelectionRange(at, at); }
    this.#shown = value;
    this.#fit();
    // What arrived during a composition is not in the field yet: both sides are carried over each other, theirs to the left.
    const theirs = this.#waiting;
    this.#waiting = [];
    if (delta.length > 0 && !this.#closed) this.hooks.typed(transform(delta, theirs, true));
    if (theirs.length > 0) this.merge(transform(theirs, delta, false));
  }

  #key(event: KeyboardEvent): void {
    event.stopPropagation();
    if (event.isComposing) return;
    const mod = event.ctrlKey || event.metaKey, key = event.key.toLowerCase();
    if (key === 'escape' || (key === 'enter' && (mod || this.#style.singleLine))) { event.preventDefault(); this.#done(); }
    else if (mod && key === 'z') { event.preventDefault(); if (event.shiftKey) this.hooks.redo(); else this.hooks.undo(); }
    else if (mod && key === 'y') { event.preventDefault(); this.hooks.redo(); }
    else if (key === 'tab') { event.preventDefault(); this.#done(); }
  }

  #done(): void {
    if (this.#closed) return;
    if (this.#composing) this.#composed();
    this.hooks.done();
  }

  #fit(): void {
    const { padding, middle, singleLine, headroom } = this.#style, { w, h } = this.#box;
    const head = h * headroom, block = middle ? 4 : padding;
    if (w === 0) return;
    const area = this.#area;
    area.style.width = `${Math.max(20, w - 2 * padding)}px`;
    area.style.left = `${padding}px`;
    area.style.whiteSpace = singleLine ? 'nowrap' : 'pre-wrap';
    area.style.height = '0px';
    const height = Math.max(area.scrollHeight, Math.ceil(this.#style.fontSize * 1.35));
    area.style.height = `${height}px`;
    area.style.top = `${middle ? head + Math.max(block, (h - head - height) / 2) : block}px`;
    this.hooks.sized((height + 2 * block) / (1 - headroom));
  }
}
