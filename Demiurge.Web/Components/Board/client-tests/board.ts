import type { BoardEdge, BoardNode } from '../client/codec';
import { Camera } from '../client/camera';
import type { BoardCommand } from '../client/commands';
import type { Gesture, Pointer } from '../client/gestures/gesture';
import { edge, node } from '../client/harness/furnish';
import { Outbox } from '../client/outbox';
import { Scene } from '../client/scene';
import { Selection } from '../client/selection';
import type { Answer } from '../client/server';
import { noFeedback, type Workspace } from '../client/workspace';

export { edge, node };

export function sceneOf(nodes: BoardNode[], edges: BoardEdge[] = []): Scene {
  const scene = new Scene();
  scene.applyFrame({
    reset: true, applied: 0,
    records: [...nodes.map(n => ({ op: 'node', node: n }) as const), ...edges.map(e => ({ op: 'edge', edge: e }) as const)],
  });
  return scene;
}

export interface TestBoard extends Workspace {
  sent: BoardCommand[][];
  shared: (Record<string, number[]> | null)[];
  edited: string[];
  worked: string[];
  tools: string[];
  offered: ((kind: string) => void)[];
  answer: (batch: number) => Answer;
  /** Lets the feed contain everything sent so far, as the server would after applying it. */
  echo(records?: Parameters<Scene['applyFrame']>[0]['records']): void;
}

/** A board without a page, 1000 × 800 pixels at 100 %. */
export function boardOf(nodes: BoardNode[], edges: BoardEdge[] = [], viewer = false): TestBoard {
  const scene = sceneOf(nodes, edges), camera = new Camera();
  camera.resize(1000, 800);
  const board: TestBoard = {
    scene, camera, selection: new Selection(), feedback: noFeedback(), snap: { objects: false, grid: false }, viewer, nextStyle: {},
    sent: [], shared: [], edited: [], worked: [], tools: [], offered: [],
    answer: () => ({ accepted: true }),
    outbox: undefined as unknown as Outbox,
    share: drag => { board.shared.push(drag); },
    redraw: () => undefined,
    edit: id => { board.edited.push(id); },
    interact: id => { board.worked.push(id); },
    setTool: tool => { board.tools.push(tool); },
    offer: (_, choose) => { board.offered.push(choose); },
    echo: (records = []) => scene.applyFrame({ reset: false, applied: board.sent.length, records }),
  };
  Object.assign(board, { outbox: new Outbox(scene, async (batch, commands) => { board.sent.push(commands); return board.answer(batch); }, () => undefined) });
  return board;
}

export function at(board: Workspace, x: number, y: number, keys: Partial<Pointer> = {}): Pointer {
  const screen = { x, y };
  return { screen, board: board.camera.toBoard(screen), shift: false, alt: false, mod: false, touch: false, ...keys };
}

/** Moves through the points and lets go at the last. */
export function drag(board: Workspace, gesture: Gesture, points: [number, number][], keys: Partial<Pointer> = {}): void {
  for (const [x, y] of points) gesture.move(at(board, x, y, keys));
  const [x, y] = points[points.length - 1]!;
  gesture.end(at(board, x, y, keys));
}

/** Seeded, so that a failure can be run again. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return below => {
    state ^= state << 13; state >>>= 0; state ^= state >>> 17; state ^= state << 5; state >>>= 0;
    return state % below;
  };
}
