import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runAction, type ActionHost } from '../../Board/client/actions';
import { envelopeOf } from '../../Board/client/clipboard';
import { begin, doubleClick } from '../../Board/client/gestures/begin';
import { hitTest } from '../../Board/client/hit';
import { actionFor } from '../../Board/client/keyboard';
import { at, boardOf, node, type TestBoard } from '../../Board/client-tests/board';

const box = { kind: 'container', x: 100, y: 100, w: 400, h: 300 };

interface Asked { deleted: string[][]; made: [string | null, number, number][]; left: string[][] }

function hostOf(board: TestBoard): { host: ActionHost; asked: Asked } {
  const asked: Asked = { deleted: [], made: [], left: [] };
  const server = { deleteContainers: (ids: string[]) => asked.deleted.push(ids), newContainer: (template: string | null, x: number, y: number) => asked.made.push([template, x, y]),
    undo: () => Promise.resolve({ accepted: true, left: [{ id: 'u', name: 'Terminal', mayDelete: true }] }), redo: () => Promise.resolve({ accepted: true, left: null }) };
  return { host: Object.assign(board, { server, place: () => ({ x: 5, y: 6 }), toast: () => undefined,
    left: (containers: { id: string }[]) => asked.left.push(containers.map(container => container.id)) }) as unknown as ActionHost, asked };
}

function press(board: TestBoard, x: number, y: number): void {
  const pointer = at(board, x, y);
  begin(board, 'select', hitTest(board.scene, board.camera, board.selection, pointer.screen), pointer).end(pointer);
}

test('a first click takes the node, a second one works in it', () => {
  const board = boardOf([node({ ...box, id: 'c' })]);
  press(board, 300, 250);
  assert.deepEqual([...board.selection.ids], ['c']);
  assert.deepEqual(board.worked, []);
  press(board, 300, 250);
  assert.deepEqual(board.worked, ['c']);
});

test('a node of another kind is only taken', () => {
  const board = boardOf([node({ id: 'n', ...box, kind: 'note' })]);
  press(board, 300, 250);
  press(board, 300, 250);
  assert.deepEqual(board.worked, []);
});

test('a viewer works in it by a double click and never edits its text', () => {
  const board = boardOf([node({ ...box, id: 'c' })], [], true);
  const pointer = at(board, 300, 250);
  doubleClick(board, hitTest(board.scene, board.camera, board.selection, pointer.screen, { viewer: true }), pointer);
  assert.deepEqual(board.worked, ['c']);
  assert.deepEqual(board.edited, []);
});

test('deleting a container, or a frame with one in it, is asked about', () => {
  const board = boardOf([node({ id: 'f', kind: 'frame', x: 0, y: 0, w: 900, h: 700 }), node({ id: 'c', ...box, parent: 'f' }), node({ id: 'n', kind: 'note', x: 2000, y: 0 })]);
  const { host, asked } = hostOf(board);
  board.selection.set(['f']);
  runAction(host, 'delete');
  assert.deepEqual(asked.deleted, [['f']]);
  assert.deepEqual(board.sent, []);
  board.selection.set(['n']);
  runAction(host, 'delete');
  assert.equal(asked.deleted.length, 1);
  assert.deepEqual(board.sent, [[{ type: 'delete', ids: ['n'] }]]);
});

test('K asks for a new container where the pointer is', () => {
  const action = actionFor({ key: 'k', code: 'KeyK', mod: false, shift: false, alt: false });
  assert.deepEqual(action, { name: 'newContainer' });
  const { host, asked } = hostOf(boardOf([]));
  runAction(host, action!.name, action!.arg);
  runAction(host, 'newContainer', 'terminal');
  assert.deepEqual(asked.made, [[null, 5, 6], ['terminal', 5, 6]]);
});

test('a viewer is not asked for new ones', () => {
  const { host, asked } = hostOf(boardOf([], [], true));
  runAction(host, 'newContainer');
  assert.deepEqual(asked.made, []);
});

test('which container it shows is only copied whole by the server', () => {
  const board = boardOf([node({ ...box, id: 'c' })]);
  assert.equal(envelopeOf(board.scene, new Set(['c'])).whole, false);
});

test('what an undo leaves running is said', async () => {
  const { host, asked } = hostOf(boardOf([]));
  runAction(host, 'undo');
  runAction(host, 'redo');
  await new Promise(done => setTimeout(done));
  assert.deepEqual(asked.left, [['u'], []]);
});
