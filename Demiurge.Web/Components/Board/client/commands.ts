import type { EdgeEnd } from './codec';

/** What a person may ask of the board; the server checks each one. Coordinates are absolute board units. */
export type Align = 'left' | 'center' | 'right';
export type Arrow = 'none' | 'end' | 'both';
export interface NodeStyle { fill?: string; stroke?: string; color?: string; fontSize?: number; align?: Align }
export interface EdgeStyle { color?: string; width?: number; dash?: boolean; arrow?: Arrow }
export interface NodeDraft {
  id: string; kind: string; x: number; y: number; w: number; h: number;
  parent?: string; style?: NodeStyle; text?: string; data?: unknown;
}
export interface EdgeDraft { id: string; from: EdgeEnd; to: EdgeEnd; kind?: string; style?: EdgeStyle; label?: string }
export type StackTarget = 'front' | 'back' | 'forward' | 'backward';

export type BoardCommand =
  | { type: 'create'; node: NodeDraft }
  | { type: 'move'; items: { id: string; x: number; y: number; parent?: string }[] }
  | { type: 'resize'; items: { id: string; x: number; y: number; w: number; h: number }[] }
  | { type: 'delete'; ids: string[] }
  | { type: 'style'; ids: string[]; patch: NodeStyle & EdgeStyle & { kind?: string } }
  | { type: 'order'; ids: string[]; to: StackTarget }
  | { type: 'connect'; edge: EdgeDraft }
  | { type: 'updateEdge'; id: string; from?: EdgeEnd; to?: EdgeEnd; kind?: string; label?: string }
  | { type: 'text'; id: string; text: string }
  | { type: 'paste'; nodes: NodeDraft[]; edges: EdgeDraft[] }
  | { type: 'duplicate'; map: Record<string, string>; dx: number; dy: number }
  | { type: 'lock'; ids: string[]; locked: boolean };

export function newId(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, b => b.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
