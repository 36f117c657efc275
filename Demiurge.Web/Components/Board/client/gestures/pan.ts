import type { Camera } from '../camera';
import type { Gesture, Pointer } from './gesture';

/** The board follows the pointer. */
export class Pan implements Gesture {
  readonly cursor = 'grabbing';
  #last: Pointer;

  constructor(private readonly camera: Camera, start: Pointer, private readonly redraw: () => void) { this.#last = start; }

  move(pointer: Pointer): void {
    this.camera.panBy(pointer.screen.x - this.#last.screen.x, pointer.screen.y - this.#last.screen.y);
    this.#last = pointer;
    this.redraw();
  }

  end(): void { /* stays where it is */ }
  cancel(): void { /* stays where it is */ }
}
