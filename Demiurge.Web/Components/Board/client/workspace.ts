import type { BoardNode } from './codec';
import type { Camera } from './camera';
import type { NodeStyle } from './commands';
import type { Point, Port, Rect } from './geometry';
import type { Outbox } from './outbox';
import type { Scene } from './scene';
import type { Selection } from './selection';
import type { Guide } from './snap';

/** An edge being drawn: from a port to a port, or to where the pointer is. */
export interface Connection {
  from: { node: string; port: Port };
  to: { node: string; port: Port } | null;
  at: Point;
  /** The edge being relinked, which is not shown meanwhile. */
  edge?: string;
  reversed?: boolean;
}

/** What a gesture shows beside the scene itself; the overlay draws it. */
export interface Feedback {
  marquee: Rect | null;
  guides: readonly Guide[];
  /** Copies under way (alt-drag). */
  ghosts: readonly { node: BoardNode; box: Rect }[];
  draft: { kind: string; box: Rect } | null;
  connection: Connection | null;
  /** The frame that would take what is being dropped. */
  dropFrame: string | null;
  hovered: string | null;
  /** Handles are in the way while something moves. */
  busy: boolean;
}

export function noFeedback(): Feedback {
  return { marquee: null, guides: [], ghosts: [], draft: null, connection: null, dropFrame: null, hovered: null, busy: false };
}

/** What gestures and actions work on. Headless: the tests build one without a page. */
export interface Workspace {
  readonly scene: Scene;
  readonly camera: Camera;
  readonly selection: Selection;
  readonly outbox: Outbox;
  readonly feedback: Feedback;
  readonly snap: { objects: boolean; grid: boolean };
  readonly viewer: boolean;
  /** Style that the next nodes get: what the person chose last. */
  readonly nextStyle: NodeStyle;
  /** Tells the others where things are while they move; null when they rest. */
  share(drag: Record<string, number[]> | null): void;
  redraw(): void;
  /** Opens the text of a node or the label of an edge. */
  edit(id: string): void;
  /** Lets the person work in what a node shows, where there is something to work in. */
  interact(id: string): void;
  setTool(tool: string): void;
  /** Offers kinds to create where a connection was dropped. */
  offer(at: Point, choose: (kind: string) => void): void;
}

export const GRID_STEP = 24;
