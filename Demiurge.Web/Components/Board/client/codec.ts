/**
 * The scene feed: what the server tells this module about every node and edge. Little-endian.
 *
 *   frame  = u8 version (1) · u8 flags (1 = reset: forget everything first) · u32 applied · u32 count · count records
 *   record = u8 op (1 node upsert, 2 node remove, 3 edge upsert, 4 edge remove) · fields
 *   node   = id · kind · f64 x · f64 y · f32 w · f32 h · f64 z · parent · fill · stroke · color · f32 fontSize · u8 flags · label
 *   edge   = id · fromNode · fromPort · toNode · toPort · kind · color · f32 width · u8 flags · label
 *   remove = id
 *   string = u16 byte length · UTF-8
 *
 * Node flags: 1 locked, 2 has text, bits 2–3 alignment (0 default, 1 left, 2 center, 3 right). Edge flags: 1 arrow at the end,
 * 2 arrow at the start, 4 dashed.
 * `applied` is the highest batch of this mount whose effect, or refusal, the feed now contains. Coordinates are absolute
 * board units. An empty style string means the kind's default.
 */
export interface BoardNode {
  readonly id: string; readonly kind: string;
  readonly x: number; readonly y: number; readonly w: number; readonly h: number; readonly z: number;
  /** Id of the frame that holds it, '' for none. */
  readonly parent: string;
  readonly fill: string; readonly stroke: string; readonly color: string; readonly fontSize: number;
  readonly locked: boolean; readonly hasText: boolean;
  /** '' for the kind's default. */
  readonly align: '' | 'left' | 'center' | 'right';
  /** First 80 characters of its text. */
  readonly label: string;
}

export interface EdgeEnd { readonly node: string; readonly port: string }

export interface BoardEdge {
  readonly id: string; readonly from: EdgeEnd; readonly to: EdgeEnd; readonly kind: string;
  readonly color: string; readonly width: number;
  readonly arrowEnd: boolean; readonly arrowStart: boolean; readonly dashed: boolean;
  readonly label: string;
}

export type SceneRecord =
  | { op: 'node'; node: BoardNode } | { op: 'removeNode'; id: string }
  | { op: 'edge'; edge: BoardEdge } | { op: 'removeEdge'; id: string };

export interface SceneFrame { reset: boolean; applied: number; records: SceneRecord[] }

const VERSION = 1;
const ALIGNS = ['', 'left', 'center', 'right'] as const;
const utf8 = new TextDecoder('utf-8', { fatal: false });
const toUtf8 = new TextEncoder();

/** Reads one frame. Throws RangeError on a truncated or unknown frame: the caller asks for a new snapshot. */
export function decodeFrame(bytes: Uint8Array): SceneFrame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const u8 = (): number => view.getUint8(at++);
  const u32 = (): number => { const v = view.getUint32(at, true); at += 4; return v; };
  const f32 = (): number => { const v = view.getFloat32(at, true); at += 4; return v; };
  const f64 = (): number => { const v = view.getFloat64(at, true); at += 8; return v; };
  const text = (): string => {
    const length = view.getUint16(at, true); at += 2;
    if (at + length > bytes.length) throw new RangeError('scene frame: string runs past the end');
    let ascii = length <= 48;
    for (let i = at; ascii && i < at + length; i++) ascii = bytes[i]! < 0x80;
    const value = ascii
      ? String.fromCharCode.apply(null, bytes.subarray(at, at + length) as unknown as number[])
      : utf8.decode(bytes.subarray(at, at + length));
    at += length;
    return value;
  };

  if (u8() !== VERSION) throw new RangeError('scene frame: unknown version');
  const reset = (u8() & 1) !== 0;
  const applied = u32();
  const count = u32();
  const records: SceneRecord[] = [];
  for (let i = 0; i < count; i++) {
    const op = u8();
    switch (op) {
      case 1: {
        const id = text(), kind = text(), x = f64(), y = f64(), w = f32(), h = f32(), z = f64();
        const parent = text(), fill = text(), stroke = text(), color = text(), fontSize = f32();
        const flags = u8(), label = text();
        records.push({ op: 'node', node: { id, kind, x, y, w, h, z, parent, fill, stroke, color, fontSize, locked: (flags & 1) !== 0, hasText: (flags & 2) !== 0, align: ALIGNS[(flags >> 2) & 3]!, label } });
        break;
      }
      case 2: records.push({ op: 'removeNode', id: text() }); break;
      case 3: {
        const id = text();
        const from = { node: text(), port: text() };
        const to = { node: text(), port: text() };
        const kind = text(), color = text(), width = f32(), flags = u8(), label = text();
        records.push({ op: 'edge', edge: { id, from, to, kind, color, width, arrowEnd: (flags & 1) !== 0, arrowStart: (flags & 2) !== 0, dashed: (flags & 4) !== 0, label } });
        break;
      }
      case 4: records.push({ op: 'removeEdge', id: text() }); break;
      default: throw new RangeError(`scene frame: unknown record ${op}`);
    }
  }
  return { reset, applied, records };
}

/** Writes one frame: the other half of {@link decodeFrame}, for the harness and the tests. */
export function encodeFrame(frame: SceneFrame): Uint8Array {
  let buffer = new Uint8Array(1024);
  let view = new DataView(buffer.buffer);
  let at = 0;
  const room = (n: number): void => {
    if (at + n <= buffer.length) return;
    const next = new Uint8Array(Math.max(buffer.length * 2, at + n));
    next.set(buffer);
    buffer = next; view = new DataView(buffer.buffer);
  };
  const u8 = (v: number): void => { room(1); view.setUint8(at, v); at += 1; };
  const u32 = (v: number): void => { room(4); view.setUint32(at, v, true); at += 4; };
  const f32 = (v: number): void => { room(4); view.setFloat32(at, v, true); at += 4; };
  const f64 = (v: number): void => { room(8); view.setFloat64(at, v, true); at += 8; };
  const text = (v: string): void => {
    const encoded = toUtf8.encode(v);
    room(2 + encoded.length);
    view.setUint16(at, encoded.length, true);
    buffer.set(encoded, at + 2);
    at += 2 + encoded.length;
  };

  u8(VERSION); u8(frame.reset ? 1 : 0); u32(frame.applied); u32(frame.records.length);
  for (const record of frame.records) {
    switch (record.op) {
      case 'node': {
        const n = record.node;
        u8(1); text(n.id); text(n.kind); f64(n.x); f64(n.y); f32(n.w); f32(n.h); f64(n.z);
        text(n.parent); text(n.fill); text(n.stroke); text(n.color); f32(n.fontSize);
        u8((n.locked ? 1 : 0) | (n.hasText ? 2 : 0) | (ALIGNS.indexOf(n.align) << 2)); text(n.label);
        break;
      }
      case 'removeNode': u8(2); text(record.id); break;
      case 'edge': {
        const e = record.edge;
        u8(3); text(e.id); text(e.from.node); text(e.from.port); text(e.to.node); text(e.to.port);
        text(e.kind); text(e.color); f32(e.width);
        u8((e.arrowEnd ? 1 : 0) | (e.arrowStart ? 2 : 0) | (e.dashed ? 4 : 0)); text(e.label);
        break;
      }
      case 'removeEdge': u8(4); text(record.id); break;
    }
  }
  return buffer.slice(0, at);
}
