/**
 * Text deltas in UTF-16 units and their transformation, for one text edited by many through one server.
 *
 * The server orders deltas. A client has at most one delta in flight (based on the last version it has seen) and gathers
 * what is typed meanwhile in a buffer; others' deltas are carried over both (Jupiter, as in Wave and ShareJS). When two
 * inserts fall on the same place, the one that the server ordered first stands to the left. The server's half in C# has
 * the same rule, so both sides arrive at the same text.
 */
export type Op = { retain: number } | { insert: string } | { delete: number };
export type Delta = Op[];

class Builder {
  readonly ops: Delta = [];
  retain(n: number): void {
    if (n <= 0) return;
    const last = this.ops[this.ops.length - 1];
    if (last && 'retain' in last) last.retain += n; else this.ops.push({ retain: n });
  }
  insert(text: string): void {
    if (text === '') return;
    const last = this.ops[this.ops.length - 1];
    if (last && 'insert' in last) { last.insert += text; return; }
    // An insert is kept before a delete at the same place, so equal edits have one form.
    if (last && 'delete' in last) {
      const before = this.ops[this.ops.length - 2];
      if (before && 'insert' in before) before.insert += text;
      else this.ops.splice(this.ops.length - 1, 0, { insert: text });
      return;
    }
    this.ops.push({ insert: text });
  }
  delete(n: number): void {
    if (n <= 0) return;
    const last = this.ops[this.ops.length - 1];
    if (last && 'delete' in last) last.delete += n; else this.ops.push({ delete: n });
  }
  done(): Delta {
    const last = this.ops[this.ops.length - 1];
    if (last && 'retain' in last) this.ops.pop();
    return this.ops;
  }
}

class Reader {
  #index = 0;
  #offset = 0;
  constructor(private readonly ops: Delta) {}
  get done(): boolean { return this.#index >= this.ops.length; }
  get insert(): boolean { const op = this.ops[this.#index]; return op !== undefined && 'insert' in op; }
  get delete(): boolean { const op = this.ops[this.#index]; return op !== undefined && 'delete' in op; }
  /** Units left of the current op; past the end everything is retained. */
  get left(): number {
    const op = this.ops[this.#index];
    if (!op) return Infinity;
    return ('insert' in op ? op.insert.length : 'delete' in op ? op.delete : op.retain) - this.#offset;
  }
  takeInsert(): string {
    const text = (this.ops[this.#index] as { insert: string }).insert.slice(this.#offset);
    this.#index++; this.#offset = 0;
    return text;
  }
  takeInsertPart(n: number): string {
    const text = (this.ops[this.#index] as { insert: string }).insert.slice(this.#offset, this.#offset + n);
    this.skip(n);
    return text;
  }
  skip(n: number): void {
    if (this.done) return;
    this.#offset += n;
    if (this.left <= 0) { this.#index++; this.#offset = 0; }
  }
}

export function isEmpty(delta: Delta): boolean { return delta.length === 0; }

export function applyDelta(text: string, delta: Delta): string {
  let at = 0, result = '';
  for (const op of delta) {
    if ('retain' in op) { result += text.slice(at, at + op.retain); at += op.retain; }
    else if ('insert' in op) result += op.insert;
    else at += op.delete;
  }
  return result + text.slice(at);
}

/** `second` after `first`, as one delta. */
export function compose(first: Delta, second: Delta): Delta {
  const a = new Reader(first), b = new Reader(second), out = new Builder();
  while (!a.done || !b.done) {
    if (b.insert) { out.insert(b.takeInsert()); continue; }
    if (a.delete) { const n = a.left; out.delete(n); a.skip(n); continue; }
    const n = Math.min(a.left, b.left);
    if (n === Infinity) break;
    if (a.insert) {
      const text = a.takeInsertPart(n);
      if (!b.delete) out.insert(text);
    } else {
      if (b.delete) out.delete(n); else out.retain(n);
      a.skip(n);
    }
    b.skip(n);
  }
  return out.done();
}

/**
 * `delta` as it reads after `other`, both written against the same text. `otherFirst`: the server ordered `other` before
 * `delta`, so at the same place its insert stays to the left.
 */
export function transform(delta: Delta, other: Delta, otherFirst: boolean): Delta {
  const a = new Reader(delta), b = new Reader(other), out = new Builder();
  while (!a.done) {
    if (a.insert && (!b.insert || !otherFirst)) { out.insert(a.takeInsert()); continue; }
    if (b.insert) { const n = b.left; out.retain(n); b.skip(n); continue; }
    const n = Math.min(a.left, b.left);
    if (a.delete) { if (!b.delete) out.delete(n); }
    else if (!b.delete) out.retain(n);
    a.skip(n); b.skip(n);
  }
  return out.done();
}

/** Where a caret goes when `delta` is applied; one that stands where text is inserted stays before it. */
export function transformIndex(index: number, delta: Delta, after = false): number {
  let at = 0, result = index;
  for (const op of delta) {
    if ('retain' in op) at += op.retain;
    else if ('insert' in op) {
      if (at < result || (after && at === result)) result += op.insert.length;
      at += op.insert.length;
    } else if (at < result) result -= Math.min(op.delete, result - at);
    if (at > result) break;
  }
  return result;
}

const segmenter = typeof Intl !== 'undefined' && 'Segmenter' in Intl ? new Intl.Segmenter(undefined, { granularity: 'grapheme' }) : null;

/**
 * The one replacement that turns `before` into `after`, ending at `caret` (in `after`) when that is possible, so that
 * typing the second of two equal letters inserts where it was typed. Never cuts a grapheme, so concurrent edits can't
 * leave half an emoji behind.
 */
export function diff(before: string, after: string, caret: number = after.length): Delta {
  if (before === after) return [];
  const limit = Math.min(before.length, after.length);
  let suffix = 0;
  const tail = Math.min(limit, Math.max(0, after.length - caret));
  while (suffix < tail && before[before.length - 1 - suffix] === after[after.length - 1 - suffix]) suffix++;
  let prefix = 0;
  while (prefix < limit - suffix && before[prefix] === after[prefix]) prefix++;
  while (suffix < limit - prefix && before[before.length - 1 - suffix] === after[after.length - 1 - suffix]) suffix++;
  prefix = Math.min(boundaryBefore(before, prefix), boundaryBefore(after, prefix));
  suffix = Math.min(before.length - boundaryAfter(before, before.length - suffix), after.length - boundaryAfter(after, after.length - suffix));
  const out = new Builder();
  out.retain(prefix);
  out.insert(after.slice(prefix, after.length - suffix));
  out.delete(before.length - suffix - prefix);
  return out.done();
}

const PLAIN = /^[\x20-\x7e\n]*$/;

function boundaryBefore(text: string, index: number): number {
  if (index <= 0 || index >= text.length || PLAIN.test(text.slice(index - 1, index + 1))) return index;
  if (segmenter) return segmenter.segment(text).containing(index)?.index ?? index;
  const code = text.charCodeAt(index);
  return code >= 0xdc00 && code <= 0xdfff ? index - 1 : index;
}

function boundaryAfter(text: string, index: number): number {
  const start = boundaryBefore(text, index);
  if (start === index) return index;
  if (segmenter) { const s = segmenter.segment(text).containing(index); return s ? s.index + s.segment.length : index; }
  return index + 1;
}
