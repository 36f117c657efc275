import type { BoardServer } from '../server';
import { applyDelta, compose, isEmpty, transform, type Delta } from './ot';

/** Where the server's text starts over; it contains the page's edits up to number `edit`. */
export interface TextReset { reset: string; edit?: number }

let edits = 0;

/**
 * One text being edited by this person: at most one delta in flight, the rest in a buffer, others' deltas carried over
 * both. `text` is what the person sees. Pushes and answers may overtake each other on the way; both carry the version
 * they became, and are taken in that order.
 *
 * Typing may begin before the server has answered `OpenText`: what is typed then is kept and sent after.
 */
export class TextSession {
  text: string;
  #version = -1;
  /** The server's text at {@link version} (before it is opened: what was shown), without what is in flight or in the buffer. */
  #base = '';
  #inFlight: { number: number; delta: Delta } | null = null;
  /** Counts calls: an answer to an earlier one than the last is of no use. */
  #call = 0;
  #refused = false;
  #buffer: Delta = [];
  #early = new Map<number, Delta | 'mine'>();
  #opening = true;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(
    readonly id: string,
    private readonly server: Pick<BoardServer, 'openText' | 'editText'>,
    /** Others changed the text: `delta` leads from the text shown before to {@link text}. */
    private readonly changed: (delta: Delta) => void,
    private readonly failed: (error: string) => void,
    initial = '',
    /** Told when {@link synced} may have changed. */
    private readonly progress: () => void = () => undefined,
  ) {
    this.text = this.#base = initial;
  }

  get version(): number { return this.#version; }

  /** Everything typed is on the server. */
  get synced(): boolean { return !this.#opening && !this.#inFlight && isEmpty(this.#buffer); }

  /** Nothing has been typed that the server doesn't have, though the text may not be open yet. */
  get untouched(): boolean { return !this.#inFlight && isEmpty(this.#buffer); }

  async open(): Promise<boolean> {
    const call = ++this.#call, opened = await this.server.openText(this.id);
    if (this.#closed || !this.#opening || call !== this.#call) return false;
    if (opened.error || opened.text == null) { this.#fail(opened.error || 'This text is gone.'); return false; }
    this.#opening = false;
    // What was typed while waiting was typed into the label, or nothing; carry it onto the real text.
    const typed = this.#buffer;
    const arrived = replace(this.#base, opened.text);
    this.#version = opened.version;
    this.#base = opened.text;
    this.#buffer = transform(typed, arrived, true);
    const delta = transform(arrived, typed, false);
    this.text = applyDelta(this.text, delta);
    if (!isEmpty(delta)) this.changed(delta);
    this.#drain();
    this.#flush();
    return true;
  }

  /** The person changed the text. */
  edit(delta: Delta): void {
    if (isEmpty(delta)) return;
    this.text = applyDelta(this.text, delta);
    this.#buffer = compose(this.#buffer, delta);
    this.#flush();
    this.progress();
  }

  /** Another's delta, which became `version`; or the whole text at that version, when the server can't say how it came about. */
  receive(version: number, delta: Delta | TextReset): void {
    if ('reset' in delta) { this.#reset(version, delta.reset, delta.edit ?? 0); return; }
    this.#early.set(version, delta);
    if (!this.#opening) this.#drain();
  }

  /** The circuit is back; the answer to `OpenText` may have been lost with it. */
  resume(): void { if (this.#opening && !this.#closed) this.open().catch(() => undefined); }

  /**
   * Starts over from the server's text, which contains the page's edits up to number `edit`. What isn't in it is carried over, and what
   * was on its way is sent again under its number.
   */
  #reset(version: number, text: string, edit: number): void {
    if (this.#opening || this.#closed || version < this.#version) return;
    for (const [at, what] of this.#early) if (what === 'mine') this.#early.delete(at);
    if (this.#inFlight && this.#inFlight.number <= edit) {
      this.#base = applyDelta(this.#base, this.#inFlight.delta);
      this.#inFlight = null;
    }
    let theirs = replace(this.#base, text);
    if (this.#inFlight) {
      const mine = this.#inFlight.delta;
      this.#inFlight.delta = transform(mine, theirs, true);
      theirs = transform(theirs, mine, false);
    }
    this.#buffer = transform(this.#buffer, theirs, true);
    this.#base = text;
    this.#version = version;
    const now = applyDelta(applyDelta(text, this.#inFlight?.delta ?? []), this.#buffer), delta = replace(this.text, now);
    this.text = now;
    if (!isEmpty(delta)) this.changed(delta);
    if (this.#inFlight) this.#send(this.#inFlight);
    this.#drain();
  }

  /** Resolves when everything typed has reached the server (or the session ended). */
  whenSynced(): Promise<void> {
    return this.synced || this.#closed ? Promise.resolve() : new Promise(resolve => this.#idle.push(resolve));
  }

  close(): void {
    this.#closed = true;
    this.#settle();
  }

  #drain(): void {
    for (const version of this.#early.keys()) if (version <= this.#version) this.#early.delete(version);
    for (;;) {
      const next = this.#early.get(this.#version + 1);
      if (next === undefined) break;
      this.#early.delete(++this.#version);
      if (next === 'mine') {
        this.#base = applyDelta(this.#base, this.#inFlight?.delta ?? []);
        this.#inFlight = null;
        continue;
      }
      this.#base = applyDelta(this.#base, next);
      let theirs = next;
      if (this.#inFlight) {
        const mine = this.#inFlight.delta;
        this.#inFlight.delta = transform(mine, theirs, true);
        theirs = transform(theirs, mine, false);
      }
      const buffered = this.#buffer;
      this.#buffer = transform(buffered, theirs, true);
      theirs = transform(theirs, buffered, false);
      this.text = applyDelta(this.text, theirs);
      if (!isEmpty(theirs)) this.changed(theirs);
    }
    this.#flush();
  }

  #flush(): void {
    if (this.#opening || this.#inFlight || this.#closed) { if (this.synced) this.#settle(); return; }
    if (isEmpty(this.#buffer)) { this.#settle(); return; }
    const delta = this.#buffer;
    this.#inFlight = { number: ++edits, delta };
    this.#buffer = [];
    this.#send(this.#inFlight);
  }

  #send({ number, delta }: { number: number; delta: Delta }): void {
    const call = ++this.#call;
    this.server.editText(this.id, this.#version, delta, number).then(
      answer => {
        if (this.#closed || call !== this.#call) return;
        if (answer.error && answer.text == null) { this.#fail(answer.error); return; }
        if (answer.text != null) {
          // Typing on a text that is too old is carried over; what is refused even so goes.
          if (answer.error && this.#refused) { this.#inFlight = null; this.#buffer = []; }
          this.#refused = Boolean(answer.error);
          this.#reset(answer.version, answer.text, answer.edit ?? 0);
          return;
        }
        this.#refused = false;
        this.#early.set(answer.version, 'mine');
        this.#drain();
      },
      // The circuit is away; when it is back the server pushes its text, and what is in flight is carried over.
      () => undefined,
    );
  }

  #fail(error: string): void {
    if (this.#closed) return;
    this.close();
    this.failed(error);
  }

  #settle(): void {
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
    this.progress();
  }
}

function replace(before: string, after: string): Delta {
  if (before === after) return [];
  let prefix = 0;
  const limit = Math.min(before.length, after.length);
  while (prefix < limit && before[prefix] === after[prefix]) prefix++;
  let suffix = 0;
  while (suffix < limit - prefix && before[before.length - 1 - suffix] === after[after.length - 1 - suffix]) suffix++;
  const delta: Delta = [];
  if (prefix) delta.push({ retain: prefix });
  if (after.length - suffix > prefix) delta.push({ insert: after.slice(prefix, after.length - suffix) });
  if (before.length - suffix > prefix) delta.push({ delete: before.length - suffix - prefix });
  return delta;
}
