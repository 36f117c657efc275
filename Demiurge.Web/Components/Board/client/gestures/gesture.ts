import { distance, type Point } from '../geometry';

/** A pointer as gestures see it. `mod` is Ctrl, or Cmd on a Mac. */
export interface Pointer { screen: Point; board: Point; shift: boolean; alt: boolean; mod: boolean; touch: boolean }

/** One press of a pointer, from down to up. Exactly one of `end` and `cancel` is called, once. */
export interface Gesture {
  readonly cursor?: string;
  /** The board scrolls when the pointer comes near the border. */
  readonly scrolls?: boolean;
  /** Also called when a modifier key changes or the camera moved under a resting pointer. */
  move(pointer: Pointer): void;
  end(pointer: Pointer): void;
  cancel(): void;
}

/** Becomes a drag once the pointer has travelled; otherwise it was a click. */
export class Press implements Gesture {
  #drag: Gesture | null = null;
  readonly #start: Pointer;

  constructor(start: Pointer, private readonly drag: (start: Pointer) => Gesture | null, private readonly click: (pointer: Pointer) => void) {
    this.#start = start;
  }

  get cursor(): string | undefined { return this.#drag?.cursor; }
  get scrolls(): boolean { return this.#drag?.scrolls ?? false; }
  get dragging(): boolean { return this.#drag !== null; }

  move(pointer: Pointer): void {
    if (!this.#drag && distance(pointer.screen, this.#start.screen) >= (pointer.touch ? 8 : 4)) this.#drag = this.drag(this.#start);
    this.#drag?.move(pointer);
  }

  end(pointer: Pointer): void {
    if (this.#drag) this.#drag.end(pointer);
    else if (distance(pointer.screen, this.#start.screen) < (pointer.touch ? 12 : 6)) this.click(pointer);
  }

  cancel(): void { this.#drag?.cancel(); }
}
