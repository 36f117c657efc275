import type { BoardCommand } from './commands';
import { predict } from './predict';
import type { Scene } from './scene';
import type { Answer } from './server';

/** How many batches may be on the way at once; fewer than the server remembers answers of. */
const WINDOW = 32;
/** Batches sent in a row, and how many a second after those: what the server takes. */
const BURST = 60, PER_SECOND = 40;

interface Unanswered { commands: BoardCommand[]; done: (accepted: boolean) => void }

/**
 * Sends batches in order, one call a batch, and shows each at once through {@link Scene.expect}. A refused batch falls
 * back and is reported. A batch is kept until it is answered: when the circuit was away, {@link resend} sends what has no answer
 * again under the same number, which the server carries out once however often it comes.
 */
export class Outbox {
  readonly #scene: Scene;
  readonly #send: (batch: number, commands: BoardCommand[]) => Promise<Answer>;
  readonly #refused: (error: string, ids: string[]) => void;
  readonly #waits: (waiting: boolean) => void;
  readonly #unanswered = new Map<number, Unanswered>();
  #last = 0;
  /** The last batch that is on its way. */
  #sent = 0;
  #held = false;
  #allowed = BURST;
  #allowedAt = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(
    scene: Scene,
    send: (batch: number, commands: BoardCommand[]) => Promise<Answer>,
    refused: (error: string, ids: string[]) => void,
    /** Told whether anything is unanswered, whenever that changes. */
    waits: (waiting: boolean) => void = () => undefined,
  ) {
    this.#scene = scene; this.#send = send; this.#refused = refused; this.#waits = waits;
  }

  /** Resolves once the server has answered everything sent so far, or the board is closed. */
  get settled(): Promise<unknown> { return this.#tail; }

  push(...commands: BoardCommand[]): Promise<boolean> {
    if (commands.length === 0) return Promise.resolve(true);
    const batch = ++this.#last;
    this.#scene.expect(batch, predict(this.#scene, commands));
    const answered = new Promise<boolean>(done => this.#unanswered.set(batch, { commands, done }));
    if (this.#unanswered.size === 1) this.#waits(true);
    this.#transmit();
    this.#tail = Promise.all([this.#tail, answered]);
    return answered;
  }

  get waiting(): boolean { return this.#unanswered.size > 0; }

  /** The circuit is lost: nothing is sent until {@link resend}, so that nothing overtakes what has to be sent again. */
  hold(): void { this.#held = true; }

  /** The server is there again: what it hasn't answered may not have reached it, or its answer may not have reached us. */
  resend(): void {
    this.#held = false;
    const [first] = this.#unanswered.keys();
    this.#sent = (first ?? this.#last + 1) - 1;
    this.#transmit();
  }

  dispose(): void {
    this.#held = true;
    clearTimeout(this.#timer);
    for (const { done } of this.#unanswered.values()) done(false);
    this.#unanswered.clear();
  }

  #transmit(): void {
    let under = 0;
    for (const [batch, { commands }] of this.#unanswered) {
      if (this.#held || under++ >= WINDOW) return;
      if (batch <= this.#sent) continue;
      if (!this.#mayGo()) return;
      this.#sent = batch;
      // A call fails only with the circuit; the batch waits for its return.
      this.#send(batch, commands).then(answer => this.#answered(batch, answer), () => undefined);
    }
  }

  #mayGo(): boolean {
    const now = performance.now();
    this.#allowed = Math.min(BURST, this.#allowed + (now - this.#allowedAt) / 1000 * PER_SECOND);
    this.#allowedAt = now;
    if (this.#allowed >= 1) { this.#allowed--; return true; }
    this.#timer ??= setTimeout(() => { this.#timer = undefined; this.#transmit(); }, 1000 / PER_SECOND);
    return false;
  }

  #answered(batch: number, answer: Answer): void {
    const pending = this.#unanswered.get(batch);
    if (!pending) return;
    this.#unanswered.delete(batch);
    if (this.#unanswered.size === 0) this.#waits(false);
    if (!answer.accepted) this.#refused(answer.error || 'The board refused this change.', this.#scene.reject(batch));
    pending.done(answer.accepted);
    this.#transmit();
  }
}
