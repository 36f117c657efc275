import assert from 'node:assert/strict';
import test from 'node:test';
import { Outbox } from '../client/outbox';
import { predict } from '../client/predict';
import { Presence, PresenceSender } from '../client/presence';
import type { PresenceUpdate } from '../client/server';
import { SpatialGrid } from '../client/spatialGrid';
import { boardOf, edge, node, randomOf, sceneOf } from './board';

const a = node({ id: 'a', kind: 'rectangle', x: 0, y: 0, w: 100, h: 100, z: 1 });
const b = node({ id: 'b', kind: 'rectangle', x: 300, y: 0, w: 100, h: 100, z: 2 });
const ab = edge({ id: 'ab' }, 'a', 'right', 'b', 'left');

test('Scene_MovedLocally_StaysThereUntilTheFeedContainsTheBatch', async () => {
  const board = boardOf([a, b], [ab]);
  await board.outbox.push({ type: 'move', items: [{ id: 'a', x: 50, y: 60 }] });
  assert.equal(board.scene.nodes.get('a')!.x, 50, 'shown at once');
  // Another's edit of the same node arrives first: the feed does not contain our batch yet.
  board.scene.applyFrame({ reset: false, applied: 0, records: [{ op: 'node', node: { ...a, x: 7, fill: 'red' } }] });
  assert.equal(board.scene.nodes.get('a')!.x, 50, 'no snap-back');
  assert.equal(board.scene.nodes.get('a')!.fill, 'red', 'and what else changed is shown');
  board.echo([{ op: 'node', node: { ...a, x: 50, y: 60 } }]);
  assert.equal(board.scene.pendingCount, 0);
  board.scene.applyFrame({ reset: false, applied: 1, records: [{ op: 'node', node: { ...a, x: 9 } }] });
  assert.equal(board.scene.nodes.get('a')!.x, 9, 'later edits of others are shown');
});

test('Scene_FeedContainsOneOfTwoBatches_TheOtherStaysShown', async () => {
  const board = boardOf([a, b]);
  await board.outbox.push({ type: 'move', items: [{ id: 'a', x: 50, y: 0 }] });
  await board.outbox.push({ type: 'move', items: [{ id: 'a', x: 90, y: 0 }] });
  board.scene.applyFrame({ reset: false, applied: 1, records: [{ op: 'node', node: { ...a, x: 50 } }] });
  assert.equal(board.scene.nodes.get('a')!.x, 90);
  board.scene.applyFrame({ reset: false, applied: 2, records: [{ op: 'node', node: { ...a, x: 91 } }] });
  assert.equal(board.scene.nodes.get('a')!.x, 91, 'what the server made of it has the last word');
});

test('Scene_RefusedBatch_FallsBackAndKeepsLaterOnes', async () => {
  const board = boardOf([a, b]);
  board.answer = batch => batch === 1 ? { accepted: false, error: 'no' } : { accepted: true };
  const first = board.outbox.push({ type: 'move', items: [{ id: 'a', x: 50, y: 0 }] });
  const second = board.outbox.push({ type: 'move', items: [{ id: 'b', x: 999, y: 0 }] });
  assert.equal(await first, false);
  assert.equal(await second, true);
  assert.equal(board.scene.nodes.get('a')!.x, 0);
  assert.equal(board.scene.nodes.get('b')!.x, 999);
});

test('Scene_DeletedByAnotherWhileMoved_ShowsNothing', () => {
  const board = boardOf([a, b], [ab]);
  void board.outbox.push({ type: 'move', items: [{ id: 'a', x: 50, y: 0 }] });
  board.scene.applyFrame({ reset: false, applied: 0, records: [{ op: 'removeNode', id: 'a' }] });
  assert.equal(board.scene.nodes.has('a'), false);
  assert.equal(board.scene.way(board.scene.edges.get('ab')!), undefined, 'an edge without its end is not drawn');
});

test('Scene_ResetFrame_ForgetsWhatIsGoneAndKeepsWhatIsPending', () => {
  const board = boardOf([a, b], [ab]);
  void board.outbox.push({ type: 'create', node: { id: 'new', kind: 'note', x: 0, y: 0, w: 10, h: 10 } });
  board.scene.applyFrame({ reset: true, applied: 0, records: [{ op: 'node', node: b }] });
  assert.deepEqual([...board.scene.nodes.keys()].sort(), ['b', 'new']);
  assert.equal(board.scene.edges.size, 0);
});

test('Scene_LiftedNode_MovesItsEdgesAndLeavesTheRestAlone', () => {
  const scene = sceneOf([a, b], [ab]);
  const resting = scene.way(ab)!.points[0]!;
  scene.lift([['a', { x: 500, y: 500, w: 100, h: 100 }]]);
  assert.equal(scene.way(ab)!.points[0], 600);
  scene.applyFrame({ reset: false, applied: 0, records: [{ op: 'edge', edge: { ...ab, color: 'red' } }] });
  scene.lift([['a', null]]);
  assert.equal(scene.way(scene.edges.get('ab')!)!.points[0], resting, 'a change during the drag must not keep the lifted route');
});

test('Scene_PaintOrder_FramesBelowTheirContentBelowTheRest', () => {
  const scene = sceneOf([
    node({ id: 'inner', kind: 'frame', x: 0, y: 0, z: 1, parent: 'outer' }), node({ id: 'outer', kind: 'frame', x: 0, y: 0, z: 9 }),
    node({ id: 'low', kind: 'note', x: 0, y: 0, z: -5 }), node({ id: 'high', kind: 'note', x: 0, y: 0, z: 5 }),
  ]);
  assert.deepEqual([...scene.nodes.keys()].sort((x, y) => scene.rank(x) - scene.rank(y)), ['outer', 'inner', 'low', 'high']);
});

test('Scene_ParentCycle_DoesNotHang', () => {
  const scene = sceneOf([node({ id: 'x', kind: 'frame', x: 0, y: 0, parent: 'y' }), node({ id: 'y', kind: 'frame', x: 0, y: 0, parent: 'x' })]);
  assert.deepEqual([...scene.withDescendants('x')].sort(), ['x', 'y']);
  assert.equal(scene.hasAncestorIn(scene.nodes.get('x')!, new Set(['nobody'])), false);
  assert.ok(scene.rank('x') >= 0);
});

test('Predict_FrameMovedOrDeleted_TakesItsContentAlong', () => {
  const scene = sceneOf([node({ id: 'f', kind: 'frame', x: 0, y: 0 }), { ...a, parent: 'f' }, b], [ab]);
  const moved = predict(scene, [{ type: 'move', items: [{ id: 'f', x: 10, y: 20 }] }]);
  assert.deepEqual(moved.nodes.get('a'), { x: 10, y: 20 });
  const deleted = predict(scene, [{ type: 'delete', ids: ['f'] }]);
  assert.equal(deleted.nodes.get('a'), null);
  assert.equal(deleted.edges.get('ab'), null);
  assert.equal(deleted.nodes.has('b'), false);
});

test('Predict_ForwardAndBackward_PassOneNeighbour', () => {
  const three = [1, 2, 3].map(z => node({ id: `n${z}`, kind: 'note', x: 0, y: 0, z }));
  const scene = sceneOf(three);
  const order = (id: string, to: 'forward' | 'backward' | 'front' | 'back'): string => {
    const board = boardOf(three);
    void board.outbox.push({ type: 'order', ids: [id], to });
    return [...board.scene.nodes.values()].sort((p, q) => p.z - q.z).map(n => n.id).join(' ');
  };
  assert.equal(scene.nodes.size, 3);
  assert.equal(order('n1', 'forward'), 'n2 n1 n3');
  assert.equal(order('n3', 'backward'), 'n1 n3 n2');
  assert.equal(order('n1', 'front'), 'n2 n3 n1');
  assert.equal(order('n3', 'back'), 'n3 n1 n2');
});

test('Outbox_LostCircuit_KeepsShowingWhatWasDoneAndSendsItAgain', async () => {
  const scene = sceneOf([a]), sent: number[] = [], waits: boolean[] = [];
  let gone = true;
  const outbox = new Outbox(
    scene, async batch => { sent.push(batch); if (gone) throw new Error('gone'); return { accepted: true }; }, () => assert.fail('not a refusal'),
    waiting => waits.push(waiting));
  const first = outbox.push({ type: 'move', items: [{ id: 'a', x: 5, y: 5 }] }), second = outbox.push({ type: 'move', items: [{ id: 'a', x: 6, y: 5 }] });
  await new Promise(resolve => setTimeout(resolve));
  assert.equal(scene.nodes.get('a')!.x, 6);
  assert.deepEqual(waits, [true]);
  gone = false;
  // The snapshot that comes after the return knows of neither.
  scene.applyFrame({ reset: true, applied: 0, records: [{ op: 'node', node: a }] });
  outbox.resend();
  assert.deepEqual([await first, await second], [true, true]);
  assert.equal(scene.nodes.get('a')!.x, 6);
  assert.deepEqual(sent, [1, 2, 1, 2]);
  assert.deepEqual(waits, [true, false]);
});

test('Outbox_CircuitLost_HoldsWhatIsDoneMeanwhileAndKeepsTheOrder', async () => {
  const scene = sceneOf([a]), arrived: number[] = [];
  let gone = true;
  // A call on a dead socket is never answered.
  const outbox = new Outbox(scene, batch => { arrived.push(batch); return gone ? new Promise(() => undefined) : Promise.resolve({ accepted: true }); }, () => assert.fail('not a refusal'));
  const push = (): Promise<boolean> => outbox.push({ type: 'move', items: [{ id: 'a', x: 5, y: 5 }] });
  void push();
  outbox.hold();
  gone = false;
  void push();
  assert.deepEqual(arrived, [1], 'nothing overtakes the first');
  for (let i = 0; i < 80; i++) void push();
  outbox.resend();
  await outbox.settled;
  assert.equal(outbox.waiting, false);
  assert.deepEqual(arrived, [1, ...Array.from({ length: 82 }, (_, i) => i + 1)]);
});

test('Outbox_Disposed_LeavesNobodyWaiting', async () => {
  const outbox = new Outbox(sceneOf([a]), () => new Promise(() => undefined), () => assert.fail('not a refusal'));
  const done = outbox.push({ type: 'move', items: [{ id: 'a', x: 5, y: 5 }] });
  outbox.dispose();
  assert.equal(await done, false);
  await outbox.settled;
});

test('SpatialGrid_RandomRectangles_AnswersAsAScanDoes', () => {
  const random = randomOf(11), grid = new SpatialGrid<string>(100), all = new Map<string, { x: number; y: number; w: number; h: number }>();
  for (let i = 0; i < 600; i++) {
    const id = String(random(200));
    if (random(4) === 0) { grid.delete(id); all.delete(id); continue; }
    const rect = { x: random(4000) - 2000, y: random(4000) - 2000, w: random(10) === 0 ? 3000 : random(300), h: random(300) };
    grid.set(id, id, rect); all.set(id, rect);
    const q = { x: random(4000) - 2000, y: random(4000) - 2000, w: random(900), h: random(900) };
    const scan = [...all].filter(([, r]) => r.x <= q.x + q.w && r.x + r.w >= q.x && r.y <= q.y + q.h && r.y + r.h >= q.y).map(([k]) => k);
    assert.deepEqual(grid.query(q, []).sort(), scan.sort());
  }
});

test('Presence_DragEndsBeforeItsMoveArrives_DoesNotJumpBack', () => {
  const scene = sceneOf([a]), presence = new Presence(scene, () => false);
  const person = { key: '1', name: 'Ada', color: '#000000', cursor: null, selection: [], editing: null };
  presence.receive([{ ...person, drag: { a: [400, 0] } }], 0);
  for (let now = 0; now < 1000; now += 16) presence.tick(now);
  assert.ok(Math.abs(scene.box('a')!.x - 400) < 1);
  presence.receive([{ ...person, drag: null }], 1000);
  for (let now = 1000; now < 1400; now += 16) { presence.tick(now); assert.ok(Math.abs(scene.box('a')!.x - 400) < 1, `jumped at ${now}`); }
  scene.applyFrame({ reset: false, applied: 0, records: [{ op: 'node', node: { ...a, x: 400 } }] });
  for (let now = 1400; now < 1500; now += 16) presence.tick(now);
  assert.equal(scene.lifted.size, 0);
  assert.equal(scene.box('a')!.x, 400);
});

test('Presence_DragGivenUp_GlidesHome', () => {
  const scene = sceneOf([a]), presence = new Presence(scene, () => false);
  const person = { key: '1', name: 'Ada', color: '#000000', cursor: null, selection: [], editing: null };
  presence.receive([{ ...person, drag: { a: [400, 0] } }], 0);
  for (let now = 0; now < 500; now += 16) presence.tick(now);
  presence.receive([], 500);
  for (let now = 500; now < 4000; now += 16) presence.tick(now);
  assert.equal(scene.lifted.size, 0);
  assert.equal(scene.box('a')!.x, 0);
});

test('PresenceSender_ManyUpdates_AtMostOneIn50Milliseconds', async context => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  const sent: PresenceUpdate[] = [];
  const sender = new PresenceSender({ setPresence: p => { sent.push(p); } }, () => now);
  sender.audience = true;
  for (let i = 0; i < 1000; i++) { sender.update({ cursor: [i, 0] }); now++; context.mock.timers.tick(1); }
  assert.ok(sent.length <= 21, `${sent.length} messages in a second`);
  assert.ok(sent.length >= 19);
  sender.audience = false;
  sent.length = 0;
  for (let i = 0; i < 500; i++) { sender.update({ cursor: [i, 0], drag: { a: [i, 0] } }); now++; context.mock.timers.tick(1); }
  assert.ok(sent.length <= 1, 'nobody is there to see it');
});

