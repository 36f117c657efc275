/** What the two ends of a terminal tell one another beside its bytes. */

export type Link = 'connecting' | 'open' | 'lost' | 'ended' | 'refused';

export interface Watcher { name: string; readOnly: boolean }

/** `replay`: forget what is shown, what the shell wrote last follows. `size`: what all watchers have room for. */
export type SessionMessage =
  | { type: 'replay'; readOnly: boolean }
  | { type: 'size'; columns: number; rows: number }
  | { type: 'title'; title: string }
  | { type: 'watchers'; watchers: Watcher[] }
  | { type: 'exit'; code: number | null };

/** What a close code asks for: another try with a fresh ticket, at once or after a while, or none. */
export function afterClose(code: number): 'now' | 'later' | 'never' {
  if (code === 4401 || code === 4409) return 'now';
  return code === 4403 ? 'never' : 'later';
}

const LARGEST = 1000;

/** Reads a text message; null for what this version doesn't know. */
export function readMessage(text: string): SessionMessage | null {
  let value: unknown;
  try { value = JSON.parse(text); } catch { return null; }
  if (typeof value !== 'object' || value === null) return null;
  const message = value as Record<string, unknown>;
  switch (message['type']) {
    case 'replay': return { type: 'replay', readOnly: message['readOnly'] !== false };
    case 'exit': return { type: 'exit', code: typeof message['code'] === 'number' ? message['code'] : null };
    case 'title': return typeof message['title'] === 'string' ? { type: 'title', title: message['title'] } : null;
    case 'watchers': {
      const list = Array.isArray(message['watchers']) ? message['watchers'] as unknown[] : [];
      return { type: 'watchers', watchers: list.filter(isWatcher) };
    }
    case 'size': {
      const { columns, rows } = message;
      return isSize(columns) && isSize(rows) ? { type: 'size', columns, rows } : null;
    }
    default: return null;
  }
}

/** Null for a window that nobody can read. */
export function sizeMessage(columns: number, rows: number): string | null {
  return isSize(columns) && isSize(rows) ? JSON.stringify({ type: 'resize', columns, rows }) : null;
}

function isWatcher(value: unknown): value is Watcher {
  const watcher = value as Partial<Watcher> | null;
  return typeof watcher === 'object' && watcher !== null && typeof watcher.name === 'string' && typeof watcher.readOnly === 'boolean';
}

function isSize(value: unknown): value is number { return typeof value === 'number' && Number.isInteger(value) && value >= 2 && value <= LARGEST; }

/** Waits between attempts, in milliseconds: short at first, then doubled, never long, and never the same for everybody. */
export class Backoff {
  #attempt = 0;

  constructor(private readonly random: () => number = Math.random) {}

  /** Whether nothing has gone wrong since `reset`. */
  get first(): boolean { return this.#attempt === 0; }

  next(): number { return Math.min(8000, 250 * 2 ** this.#attempt++) * (0.75 + this.random() / 2); }

  reset(): void { this.#attempt = 0; }
}
