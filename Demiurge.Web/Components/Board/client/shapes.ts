import type { Rect } from './geometry';
import type { PathSink } from './routes';

/** Every kind that this module draws itself; any other one gets the fallback card. */
export const SHAPES = ['rectangle', 'rounded', 'ellipse', 'diamond', 'triangle', 'parallelogram', 'hexagon', 'cylinder', 'cloud', 'star'] as const;
export const KINDS: readonly string[] = ['note', 'text', 'frame', ...SHAPES];

export interface KindTraits {
  /** Size in board units when created by a click. */
  w: number; h: number;
  /** Palette names used where the node has none. */
  fill: string; stroke: string; color: string;
  fontSize: number;
  align: 'left' | 'center';
  middle: boolean;
  /** Space left and right of the text, and above and below it where it is not in the middle. */
  padding: number;
  /** Share of the height that the text leaves free at the top, where the shape is narrow or has a lid. */
  headroom: number;
}

const SHAPE: KindTraits = { w: 160, h: 100, fill: 'white', stroke: 'black', color: 'black', fontSize: 16, align: 'center', middle: true, padding: 12, headroom: 0 };
/** The same as NodeKind.cs, which has the say: the feed comes with every style filled in. This is for nodes not yet echoed. */
const TRAITS: Record<string, KindTraits> = {
  note: { ...SHAPE, w: 200, h: 200, fill: 'yellow', stroke: 'none', fontSize: 18, padding: 16 },
  text: { ...SHAPE, w: 240, h: 36, fill: 'none', stroke: 'none', fontSize: 20, align: 'left', middle: false, padding: 4 },
  frame: { ...SHAPE, w: 640, h: 420, fill: 'white', stroke: 'gray', color: 'gray', fontSize: 14, align: 'left', middle: false, padding: 0 },
  ellipse: { ...SHAPE, h: 110, padding: 22 },
  diamond: { ...SHAPE, w: 170, h: 130, padding: 32 },
  triangle: { ...SHAPE, w: 150, h: 130, padding: 30, headroom: 0.36 },
  parallelogram: { ...SHAPE, w: 180, padding: 24 },
  hexagon: { ...SHAPE, w: 170, h: 120, padding: 26 },
  cylinder: { ...SHAPE, w: 130, h: 150, padding: 10, headroom: 0.2 },
  cloud: { ...SHAPE, w: 190, h: 130, padding: 28 },
  star: { ...SHAPE, w: 150, h: 150, padding: 38, headroom: 0.12 },
};
TRAITS['container'] = { ...SHAPE, w: 480, h: 340, stroke: 'gray', fontSize: 14, align: 'left', middle: false };
const CARD: KindTraits = { ...SHAPE, w: 220, h: 120, stroke: 'gray', fontSize: 14, align: 'left', middle: false };

export function traitsOf(kind: string): KindTraits {
  return TRAITS[kind] ?? (KINDS.includes(kind) ? SHAPE : CARD);
}

/** Controls that make a quarter of a circle out of a cubic curve. */
const ARC = 0.5523;

interface OutlineSink extends PathSink { closePath(): void }

/** Traces the closed outline of a kind filling `rect`. */
export function traceOutline(path: OutlineSink, kind: string, rect: Rect): void {
  const { x, y, w, h } = rect;
  switch (kind) {
    case 'rectangle': return polygon(path, [x, y, x + w, y, x + w, y + h, x, y + h]);
    case 'rounded': return rounded(path, rect, Math.min(w, h) * 0.24);
    case 'ellipse': return ellipse(path, x + w / 2, y + h / 2, w / 2, h / 2);
    case 'diamond': return polygon(path, [x + w / 2, y, x + w, y + h / 2, x + w / 2, y + h, x, y + h / 2]);
    case 'triangle': return polygon(path, [x + w / 2, y, x + w, y + h, x, y + h]);
    case 'parallelogram': return polygon(path, [x + w * 0.2, y, x + w, y, x + w * 0.8, y + h, x, y + h]);
    case 'hexagon': return polygon(path, [x + w * 0.2, y, x + w * 0.8, y, x + w, y + h / 2, x + w * 0.8, y + h, x + w * 0.2, y + h, x, y + h / 2]);
    case 'star': return star(path, rect);
    case 'cylinder': return cylinder(path, rect);
    case 'cloud': return cloud(path, rect);
    case 'note': return rounded(path, rect, 3);
    default: return rounded(path, rect, 8);
  }
}

/** Further strokes inside the outline (the lid of a cylinder). */
export function traceDetail(path: PathSink, kind: string, { x, y, w, h }: Rect): boolean {
  if (kind !== 'cylinder') return false;
  const lid = Math.min(h * 0.15, w * 0.25);
  path.moveTo(x + w, y + lid);
  path.bezierCurveTo(x + w, y + lid * (1 + ARC), x + w / 2 * (1 + ARC), y + 2 * lid, x + w / 2, y + 2 * lid);
  path.bezierCurveTo(x + w / 2 * (1 - ARC), y + 2 * lid, x, y + lid * (1 + ARC), x, y + lid);
  return true;
}

/** Does a point lie in the shape itself, not just its box? */
export function insideOutline(kind: string, { x, y, w, h }: Rect, px: number, py: number): boolean {
  if (px < x || py < y || px > x + w || py > y + h) return false;
  const u = w === 0 ? 0 : (px - x) / w, v = h === 0 ? 0 : (py - y) / h;
  switch (kind) {
    case 'ellipse': return (u - 0.5) ** 2 + (v - 0.5) ** 2 <= 0.25;
    case 'diamond': return Math.abs(u - 0.5) + Math.abs(v - 0.5) <= 0.5;
    case 'triangle': return Math.abs(u - 0.5) <= v / 2;
    case 'parallelogram': return u >= 0.2 * (1 - v) && u <= 1 - 0.2 * v;
    case 'hexagon': { const cut = 0.2 * Math.abs(v - 0.5) * 2; return u >= cut && u <= 1 - cut; }
    default: return true;
  }
}

function polygon(path: OutlineSink, points: readonly number[]): void {
  path.moveTo(points[0]!, points[1]!);
  for (let i = 2; i < points.length; i += 2) path.lineTo(points[i]!, points[i + 1]!);
  path.closePath();
}

function rounded(path: OutlineSink, { x, y, w, h }: Rect, radius: number): void {
  const r = Math.min(radius, w / 2, h / 2);
  path.moveTo(x + r, y);
  path.arcTo(x + w, y, x + w, y + h, r);
  path.arcTo(x + w, y + h, x, y + h, r);
  path.arcTo(x, y + h, x, y, r);
  path.arcTo(x, y, x + w, y, r);
  path.closePath();
}

function ellipse(path: OutlineSink, cx: number, cy: number, rx: number, ry: number): void {
  path.moveTo(cx + rx, cy);
  path.bezierCurveTo(cx + rx, cy + ry * ARC, cx + rx * ARC, cy + ry, cx, cy + ry);
  path.bezierCurveTo(cx - rx * ARC, cy + ry, cx - rx, cy + ry * ARC, cx - rx, cy);
  path.bezierCurveTo(cx - rx, cy - ry * ARC, cx - rx * ARC, cy - ry, cx, cy - ry);
  path.bezierCurveTo(cx + rx * ARC, cy - ry, cx + rx, cy - ry * ARC, cx + rx, cy);
  path.closePath();
}

function star(path: OutlineSink, { x, y, w, h }: Rect): void {
  const points: number[] = [];
  // Five points on a circle, stretched so that the outermost ones touch the box.
  const top = 1, low = Math.cos(Math.PI / 5), wide = Math.sin(2 * Math.PI / 5);
  for (let i = 0; i < 10; i++) {
    const r = i % 2 === 0 ? 1 : 0.45, a = i * Math.PI / 5;
    points.push(x + w * (0.5 + Math.sin(a) * r / (2 * wide)), y + h * (top - Math.cos(a) * r) / (top + low));
  }
  polygon(path, points);
}

function cylinder(path: OutlineSink, { x, y, w, h }: Rect): void {
  const lid = Math.min(h * 0.15, w * 0.25), r = w / 2;
  path.moveTo(x, y + lid);
  path.bezierCurveTo(x, y + lid * (1 - ARC), x + r * (1 - ARC), y, x + r, y);
  path.bezierCurveTo(x + r * (1 + ARC), y, x + w, y + lid * (1 - ARC), x + w, y + lid);
  path.lineTo(x + w, y + h - lid);
  path.bezierCurveTo(x + w, y + h - lid * (1 - ARC), x + r * (1 + ARC), y + h, x + r, y + h);
  path.bezierCurveTo(x + r * (1 - ARC), y + h, x, y + h - lid * (1 - ARC), x, y + h - lid);
  path.closePath();
}

function cloud(path: OutlineSink, { x, y, w, h }: Rect): void {
  const at = (u: number, v: number): [number, number] => [x + w * u, y + h * v];
  const puff = (a: [number, number], b: [number, number], to: [number, number]): void => path.bezierCurveTo(a[0], a[1], b[0], b[1], to[0], to[1]);
  path.moveTo(...at(0.2, 0.86));
  puff(at(-0.02, 0.9), at(-0.06, 0.46), at(0.14, 0.42));
  puff(at(0.1, 0.1), at(0.4, 0), at(0.46, 0.2));
  puff(at(0.58, -0.06), at(0.86, 0.06), at(0.82, 0.36));
  puff(at(1.06, 0.36), at(1.06, 0.88), at(0.8, 0.84));
  puff(at(0.74, 1.02), at(0.54, 1.0), at(0.5, 0.9));
  puff(at(0.42, 1.04), at(0.24, 1.0), at(0.2, 0.86));
  path.closePath();
}

/** The outline as SVG path data in a box from (0, 0). */
export function outlineData(kind: string, w: number, h: number): { outline: string; detail: string } {
  const rect = { x: 0, y: 0, w, h };
  const outline = new SvgPath(), detail = new SvgPath();
  traceOutline(outline, kind, rect);
  traceDetail(detail, kind, rect);
  return { outline: outline.data, detail: detail.data };
}

class SvgPath implements OutlineSink {
  data = '';
  #x = 0;
  #y = 0;
  moveTo(x: number, y: number): void { this.#to('M', x, y); }
  lineTo(x: number, y: number): void { this.#to('L', x, y); }
  bezierCurveTo(ax: number, ay: number, bx: number, by: number, x: number, y: number): void {
    this.data += `C${f(ax)} ${f(ay)} ${f(bx)} ${f(by)} ${f(x)} ${f(y)}`;
    this.#x = x; this.#y = y;
  }
  /** Right-angled corners only, which is what the outlines have. */
  arcTo(ax: number, ay: number, x: number, y: number, r: number): void {
    const before = Math.hypot(this.#x - ax, this.#y - ay) || 1, after = Math.hypot(x - ax, y - ay) || 1;
    this.lineTo(ax + (this.#x - ax) * r / before, ay + (this.#y - ay) * r / before);
    const ex = ax + (x - ax) * r / after, ey = ay + (y - ay) * r / after;
    this.data += `A${f(r)} ${f(r)} 0 0 1 ${f(ex)} ${f(ey)}`;
    this.#x = ex; this.#y = ey;
  }
  closePath(): void { this.data += 'Z'; }
  #to(command: string, x: number, y: number): void { this.data += `${command}${f(x)} ${f(y)}`; this.#x = x; this.#y = y; }
}

function f(n: number): string { return String(Math.round(n * 100) / 100); }
