import type { Point, Rect } from './geometry';
import type { Scene } from './scene';
import type { BoardServer, PresenceUpdate } from './server';

/** One other person (or browser tab) on this board, as the presence feed tells it. */
export interface PersonState {
  key: string; userId?: string; name: string; color: string;
  cursor: [number, number] | null;
  selection: string[] | null;
  editing: string | null;
  drag: Record<string, number[]> | null;
  viewport?: { x: number; y: number; w: number; h: number; zoom: number } | null;
}

export interface Person extends PersonState {
  /** Where the cursor is shown: on its way to `cursor`. */
  shown: Point | null;
}

/** Milliseconds in which a remote thing covers 63 % of the way to where it was last seen. */
const SMOOTHING = 55;
/** How long a box stays where its drag ended while its move is still on the way. */
const HOLD = 1500;

interface Carried { to: Rect; ended: number | null; final: boolean }

/** The others: their cursors and drags glide between the few updates a second that arrive. */
export class Presence {
  readonly people = new Map<string, Person>();
  readonly #carried = new Map<string, Carried>();
  version = 0;
  reducedMotion = false;
  #last = 0;

  constructor(private readonly scene: Scene, private readonly isMine: (node: string) => boolean) {
    scene.onChange(change => {
      for (const id of change.nodes) {
        const carried = this.#carried.get(id), node = this.scene.nodes.get(id);
        if (!carried) continue;
        if (!node) { this.#drop(id); continue; }
        if (carried.ended !== null) { carried.to = node; carried.final = true; }
      }
    });
  }

  /** The whole list of the others, replacing what was known. */
  receive(states: readonly PersonState[], now: number): void {
    const seen = new Set<string>();
    const dragged = new Set<string>();
    for (const state of states) {
      if (typeof state?.key !== 'string') continue;
      seen.add(state.key);
      const before = this.people.get(state.key);
      const shown = state.cursor ? before?.shown ?? { x: state.cursor[0], y: state.cursor[1] } : null;
      this.people.set(state.key, { ...state, shown });
      for (const [id, at] of Object.entries(state.drag ?? {})) this.#carry(id, at, dragged);
    }
    for (const key of this.people.keys()) if (!seen.has(key)) this.people.delete(key);
    for (const [id, carried] of this.#carried) {
      if (!dragged.has(id) && carried.ended === null) carried.ended = now;
    }
    this.version++;
  }

  #carry(id: string, at: number[], dragged: Set<string>): void {
    const node = this.scene.nodes.get(id);
    if (!node || !at.every(Number.isFinite) || at.length < 2) return;
    const dx = at[0]! - node.x, dy = at[1]! - node.y;
    const whole = at.length < 4 ? this.scene.withDescendants(id) : [id];
    for (const inner of whole) {
      const box = this.scene.nodes.get(inner);
      if (!box || this.isMine(inner)) continue;
      dragged.add(inner);
      const to = inner === id && at.length >= 4
        ? { x: at[0]!, y: at[1]!, w: Math.max(1, at[2]!), h: Math.max(1, at[3]!) }
        : { x: box.x + dx, y: box.y + dy, w: box.w, h: box.h };
      this.#carried.set(inner, { to, ended: null, final: false });
    }
  }

  /** Advances everything by the time since the last frame. True while something is still on its way. */
  tick(now: number): boolean {
    const elapsed = Math.min(100, now - this.#last);
    this.#last = now;
    const share = this.reducedMotion ? 1 : 1 - Math.exp(-elapsed / SMOOTHING);
    let moving = false;
    for (const person of this.people.values()) {
      const { cursor, shown } = person;
      if (!cursor || !shown) continue;
      const dx = cursor[0] - shown.x, dy = cursor[1] - shown.y;
      if (dx === 0 && dy === 0) continue;
      moving = true;
      if (Math.abs(dx) + Math.abs(dy) < 0.3) { shown.x = cursor[0]; shown.y = cursor[1]; }
      else { shown.x += dx * share; shown.y += dy * share; }
    }
    const lifts: [string, Rect | null][] = [];
    for (const [id, carried] of this.#carried) {
      const box = this.scene.box(id);
      if (!box || this.isMine(id)) { this.#carried.delete(id); continue; }
      const { to } = carried;
      const near = Math.abs(to.x - box.x) + Math.abs(to.y - box.y) + Math.abs(to.w - box.w) + Math.abs(to.h - box.h) < 0.5;
      if (near && (carried.final || (carried.ended !== null && now - carried.ended > HOLD))) {
        this.#carried.delete(id);
        lifts.push([id, null]);
        continue;
      }
      if (carried.ended !== null && !carried.final) {
        // The move may have arrived before word of the drag's end.
        const node = this.scene.nodes.get(id);
        if (node && Math.abs(node.x - to.x) + Math.abs(node.y - to.y) + Math.abs(node.w - to.w) + Math.abs(node.h - to.h) < 1) { carried.to = node; carried.final = true; }
      }
      if (!near) {
        moving = true;
        const mix = (a: number, b: number): number => a + (b - a) * share;
        lifts.push([id, { x: mix(box.x, to.x), y: mix(box.y, to.y), w: mix(box.w, to.w), h: mix(box.h, to.h) }]);
      } else if (carried.ended !== null) moving = true; // waits for the move, or for the hold to run out
      if (carried.ended !== null && !carried.final && now - carried.ended > HOLD) {
        // The drag was given up: glide home.
        const node = this.scene.nodes.get(id);
        if (node) { carried.to = node; carried.final = true; }
      }
    }
    if (lifts.length > 0) this.scene.lift(lifts);
    return moving;
  }

  #drop(id: string): void {
    this.#carried.delete(id);
    this.scene.lift([[id, null]]);
  }
}

const SHARE_EVERY = 50;

/**
 * Tells the others about this person: at most one message in 50 ms, and cursor and drags only while somebody is there to
 * see them.
 */
export class PresenceSender {
  #state: PresenceUpdate = { cursor: null, selection: [], editing: null, drag: null };
  #sent = '';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastAt = 0;
  /** Set by the presence feed. */
  audience = false;

  constructor(private readonly server: Pick<BoardServer, 'setPresence'>, private readonly clock: () => number = () => performance.now()) {}

  update(part: Partial<PresenceUpdate>): void {
    this.#state = { ...this.#state, ...part };
    if (this.#timer !== undefined) return;
    const wait = Math.max(0, this.#lastAt + SHARE_EVERY - this.clock());
    this.#timer = setTimeout(() => { this.#timer = undefined; this.#send(); }, wait);
  }

  /** What was told last may have been lost. */
  resend(): void { this.#sent = ''; this.update({}); }

  dispose(): void { clearTimeout(this.#timer); this.#timer = undefined; }

  #send(): void {
    const { cursor, selection, editing, drag } = this.#state;
    const message = this.audience
      ? { cursor: cursor && [round(cursor[0]), round(cursor[1])] as [number, number], selection, editing, drag }
      : { cursor: null, selection, editing, drag: null };
    const text = JSON.stringify(message);
    if (text === this.#sent) return;
    this.#sent = text;
    this.#lastAt = this.clock();
    this.server.setPresence(message);
  }
}

function round(n: number): number { return Math.round(n * 10) / 10; }
