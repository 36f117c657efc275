import assert from 'node:assert/strict';
import test from 'node:test';
import { runAction, type ActionHost } from '../client/actions';
import { align, distribute } from '../client/arrange';
import { Camera, MAX_ZOOM } from '../client/camera';
import { envelopeOf, placed, readEnvelope } from '../client/clipboard';
import { begin, doubleClick } from '../client/gestures/begin';
import { stretch } from '../client/gestures/resize';
import { hitTest } from '../client/hit';
import { actionFor } from '../client/keyboard';
import { distanceToRoute, route } from '../client/routes';
import { insideOutline, outlineData, SHAPES } from '../client/shapes';
import { Snapper } from '../client/snap';
import { wrap } from '../client/textLayout';
import { at, boardOf, drag, edge, node, type TestBoard } from './board';

const a = node({ id: 'a', kind: 'rectangle', x: 100, y: 100, w: 100, h: 100, z: 1 });
const b = node({ id: 'b', kind: 'rectangle', x: 400, y: 100, w: 100, h: 100, z: 2 });
const frame = node({ id: 'f', kind: 'frame', x: 380, y: 300, w: 400, h: 300 });

function press(board: TestBoard, x: number, y: number, keys: Parameters<typeof at>[3] = {}, tool = 'select') {
  const pointer = at(board, x, y, keys);
  const hit = hitTest(board.scene, board.camera, board.selection, pointer.screen, { touch: pointer.touch, viewer: board.viewer, hovered: board.feedback.hovered });
  return begin(board, tool, hit, pointer);
}

// ---- selecting

test('Select_ClickShiftClickAndEmpty', () => {
  const board = boardOf([a, b]);
  press(board, 150, 150).end(at(board, 150, 150));
  assert.deepEqual([...board.selection.ids], ['a']);
  press(board, 450, 150, { shift: true }).end(at(board, 450, 150, { shift: true }));
  assert.deepEqual([...board.selection.ids], ['a', 'b']);
  press(board, 450, 150).end(at(board, 450, 150));
  assert.deepEqual([...board.selection.ids], ['b'], 'a click singles one out of several');
  press(board, 700, 700).end(at(board, 700, 700));
  assert.equal(board.selection.size, 0);
  assert.equal(board.sent.length, 0, 'selecting sends no command');
});

test('Marquee_TouchesNodesAndEdges_FramesOnlyWhole', () => {
  const board = boardOf([a, b, frame], [edge({ id: 'ab', kind: 'straight' }, 'a', 'right', 'b', 'left')]);
  drag(board, press(board, 150, 50), [[250, 130], [260, 350]]);
  assert.deepEqual([...board.selection.ids].sort(), ['a', 'ab']);
  drag(board, press(board, 370, 270), [[500, 400], [900, 700]]);
  assert.deepEqual([...board.selection.ids], ['f']);
  const gesture = press(board, 20, 20);
  gesture.move(at(board, 600, 250));
  gesture.cancel();
  assert.deepEqual([...board.selection.ids], [], 'cancelled: as it was before the drag');
  assert.equal(board.feedback.marquee, null);
});

// ---- moving

test('Move_Drag_OneCommandOnReleaseNoneBefore', () => {
  const board = boardOf([a, b]);
  const gesture = press(board, 150, 150);
  for (let i = 0; i < 50; i++) gesture.move(at(board, 150 + i * 4, 150 + i));
  assert.equal(board.sent.length, 0);
  assert.equal(board.scene.box('a')!.x, 296);
  assert.equal(board.scene.nodes.get('a')!.x, 100, 'the node itself is untouched until the release');
  gesture.end(at(board, 346, 199));
  assert.deepEqual(board.sent, [[{ type: 'move', items: [{ id: 'a', x: 296, y: 149 }] }]]);
  assert.equal(board.scene.box('a')!.x, 296, 'and stays there');
  assert.equal(board.shared.at(-1), null, 'the others are told that it ended');
});

test('Move_Cancelled_NothingHappened', () => {
  const board = boardOf([a]);
  const gesture = press(board, 150, 150);
  gesture.move(at(board, 300, 300));
  gesture.cancel();
  assert.equal(board.scene.box('a')!.x, 100);
  assert.equal(board.sent.length, 0);
  assert.equal(board.scene.lifted.size, 0);
});

test('Move_Shift_KeepsToOneAxis', () => {
  const board = boardOf([a]);
  drag(board, press(board, 150, 150), [[250, 170]], { shift: true });
  assert.deepEqual(board.sent[0], [{ type: 'move', items: [{ id: 'a', x: 200, y: 100 }] }]);
});

test('Move_Alt_DropsACopyAndLeavesTheOriginal', () => {
  const board = boardOf([a, b], [edge({ id: 'ab' }, 'a', 'right', 'b', 'left')]);
  board.selection.set(['a', 'b']);
  drag(board, press(board, 150, 150), [[150, 350]], { alt: true });
  const [command] = board.sent[0]!;
  assert.equal(command!.type, 'duplicate');
  const map = (command as { map: Record<string, string> }).map;
  assert.deepEqual(Object.keys(map).sort(), ['a', 'ab', 'b'], 'with the edge between them');
  assert.equal(board.scene.nodes.get('a')!.y, 100);
  assert.equal(board.scene.nodes.get(map['a']!)!.y, 300);
  assert.equal(board.scene.edges.get(map['ab']!)!.from.node, map['a']);
  assert.deepEqual([...board.selection.ids].sort(), [map['a']!, map['b']!].sort());
});

test('Move_OntoAndOutOfAFrame_ChangesParent', () => {
  const board = boardOf([a, frame]);
  drag(board, press(board, 150, 150), [[500, 450]]);
  assert.deepEqual(board.sent[0], [{ type: 'move', items: [{ id: 'a', x: 450, y: 400, parent: 'f' }] }]);
  drag(board, press(board, 500, 450), [[150, 150]]);
  assert.deepEqual(board.sent[1], [{ type: 'move', items: [{ id: 'a', x: 100, y: 100, parent: '' }] }]);
});

test('Move_Frame_SendsOnlyTheFrameAndShowsItsContentMoving', () => {
  const inside = { ...a, x: 400, y: 400, parent: 'f' };
  const board = boardOf([inside, frame]);
  board.selection.set(['f', 'a']);
  const gesture = press(board, 600, 310);
  gesture.move(at(board, 610, 330));
  assert.deepEqual(board.scene.box('a'), { x: 410, y: 420, w: 100, h: 100 });
  gesture.end(at(board, 610, 330));
  assert.deepEqual(board.sent[0], [{ type: 'move', items: [{ id: 'f', x: 390, y: 320 }] }]);
});

test('Move_LockedNode_StaysAndMarqueeStarts', () => {
  const board = boardOf([{ ...a, locked: true }]);
  drag(board, press(board, 150, 150), [[300, 300]]);
  assert.equal(board.sent.length, 0);
  board.selection.clear();
  drag(board, press(board, 50, 50), [[300, 300]]);
  assert.equal(board.selection.size, 0, 'a marquee passes over what is locked');
});

test('Move_NodeDeletedByAnotherMeanwhile_SendsNothing', () => {
  const board = boardOf([a]);
  const gesture = press(board, 150, 150);
  gesture.move(at(board, 300, 300));
  board.scene.applyFrame({ reset: false, applied: 0, records: [{ op: 'removeNode', id: 'a' }] });
  gesture.end(at(board, 300, 300));
  assert.equal(board.sent.length, 0);
});

// ---- resizing

test('Resize_Corner_MovesThatCornerOnly', () => {
  const board = boardOf([a]);
  board.selection.set(['a']);
  drag(board, press(board, 200, 200), [[260, 240]]);
  assert.deepEqual(board.sent[0], [{ type: 'resize', items: [{ id: 'a', x: 100, y: 100, w: 160, h: 140 }] }]);
});

test('Resize_Several_ScaleTogether', () => {
  const board = boardOf([a, b]);
  board.selection.set(['a', 'b']);
  drag(board, press(board, 500, 200), [[900, 300]]);
  assert.deepEqual(board.sent[0], [{ type: 'resize', items: [{ id: 'a', x: 100, y: 100, w: 200, h: 200 }, { id: 'b', x: 700, y: 100, w: 200, h: 200 }] }]);
});

test('Stretch_ShiftAltAndMinimum', () => {
  const box = { x: 0, y: 0, w: 100, h: 50 }, se = { left: false, right: true, top: false, bottom: true };
  assert.deepEqual(stretch(box, se, 100, 0, true, false), { x: 0, y: 0, w: 200, h: 100 });
  assert.deepEqual(stretch(box, se, 10, 10, false, true), { x: -10, y: -10, w: 120, h: 70 });
  const squeezed = stretch(box, { left: true, right: false, top: false, bottom: false }, 500, 0, false, false);
  assert.equal(squeezed.w, 16);
  assert.equal(squeezed.x + squeezed.w, 100, 'the far side stays');
});

// ---- edges

test('Connect_PortToNode_TakesTheNearestPort', () => {
  const board = boardOf([a, b]);
  board.feedback.hovered = 'a';
  drag(board, press(board, 218, 150), [[300, 150], [405, 150]]);
  const [command] = board.sent[0]!;
  assert.equal(command!.type, 'connect');
  assert.deepEqual((command as { edge: { from: unknown; to: unknown } }).edge.from, { node: 'a', port: 'right' });
  assert.deepEqual((command as { edge: { from: unknown; to: unknown } }).edge.to, { node: 'b', port: 'left' });
});

test('Connect_DroppedOnNothing_OffersANodeAndLinksIt', () => {
  const board = boardOf([a]);
  board.feedback.hovered = 'a';
  drag(board, press(board, 218, 150), [[300, 150], [600, 150]]);
  assert.equal(board.sent.length, 0);
  assert.equal(board.offered.length, 1);
  board.offered[0]!('rectangle');
  assert.deepEqual(board.sent[0]!.map(c => c.type), ['create', 'connect'], 'one batch, so one undo');
  board.feedback.hovered = 'a';
  drag(board, press(board, 218, 150), [[300, 150], [600, 450]]);
  board.offered[1]!('');
  assert.equal(board.sent.length, 1, 'nothing chosen, nothing made');
  assert.equal(board.feedback.connection, null);
});

test('Relink_EndDragged_ToAnotherNodeOrBack', () => {
  const c = node({ id: 'c', kind: 'rectangle', x: 400, y: 400, w: 100, h: 100 });
  const board = boardOf([a, b, c], [edge({ id: 'ab' }, 'a', 'right', 'b', 'left')]);
  board.selection.set(['ab']);
  drag(board, press(board, 400, 150), [[430, 300], [450, 410]]);
  assert.deepEqual(board.sent[0], [{ type: 'updateEdge', id: 'ab', to: { node: 'c', port: 'top' } }]);
  drag(board, press(board, 450, 400), [[700, 700]]);
  assert.equal(board.sent.length, 1, 'dropped on nothing: stays linked');
});

test('Route_EveryKindAndPortPair_StartsAndEndsAtItsPorts', () => {
  for (const kind of ['bezier', 'straight', 'step']) {
    for (const from of ['top', 'right', 'bottom', 'left'] as const) {
      for (const to of ['top', 'right', 'bottom', 'left'] as const) {
        for (const [x, y] of [[300, 200], [-300, 50], [0, 0], [5, -400]] as const) {
          const way = route(kind, { x: 0, y: 0 }, from, { x, y }, to), p = way.points;
          assert.deepEqual([p[0], p[1], p[p.length - 2], p[p.length - 1]], [0, 0, x, y]);
          assert.ok(p.every(Number.isFinite) && Number.isFinite(way.middle.x + way.endAngle));
          assert.ok(distanceToRoute(way, way.middle) < 3, `${kind} ${from} ${to} ${x},${y}`);
          if (kind === 'step') for (let i = 2; i < p.length; i += 2) assert.ok(p[i] === p[i - 2] || p[i + 1] === p[i - 1], 'right angles only');
        }
      }
    }
  }
});

// ---- creating

test('Create_ClickAndDrag', () => {
  const board = boardOf([]);
  press(board, 300, 300, {}, 'rectangle').end(at(board, 300, 300));
  drag(board, press(board, 500, 500, {}, 'ellipse'), [[600, 700]]);
  const made = board.sent.map(([c]) => (c as { node: { kind: string; x: number; y: number; w: number; h: number } }).node);
  assert.deepEqual([made[0]!.x, made[0]!.y, made[0]!.w, made[0]!.h], [220, 250, 160, 100]);
  assert.deepEqual([made[1]!.kind, made[1]!.x, made[1]!.y, made[1]!.w, made[1]!.h], ['ellipse', 500, 500, 100, 200]);
  assert.deepEqual(board.tools, ['select', 'select']);
  press(board, 50, 50, {}, 'note').end(at(board, 50, 50));
  assert.equal(board.edited.length, 1, 'a note opens for typing');
});

test('DoubleClick_EmptyNodeEdge', () => {
  const board = boardOf([a, b], [edge({ id: 'ab', kind: 'straight' }, 'a', 'right', 'b', 'left')]);
  const hit = (x: number, y: number) => hitTest(board.scene, board.camera, board.selection, { x, y });
  doubleClick(board, hit(150, 150), at(board, 150, 150));
  doubleClick(board, hit(300, 150), at(board, 300, 150));
  assert.deepEqual(board.edited, ['a', 'ab']);
  doubleClick(board, hit(700, 700), at(board, 700, 700));
  assert.equal((board.sent[0]![0] as { node: { kind: string } }).node.kind, 'text');
});

// ---- viewers and touch

test('Viewer_NoGestureSendsAnything', () => {
  const board = boardOf([a, b], [edge({ id: 'ab' }, 'a', 'right', 'b', 'left')], true);
  board.selection.set(['a']);
  for (const [x, y] of [[150, 150], [200, 200], [218, 150], [300, 150], [700, 700]] as const) {
    for (const tool of ['select', 'note', 'connector', 'hand']) drag(board, press(board, x, y, {}, tool), [[x + 50, y + 50], [x + 90, y]]);
  }
  doubleClick(board, hitTest(board.scene, board.camera, board.selection, { x: 150, y: 150 }), at(board, 150, 150));
  for (const name of ['delete', 'duplicate', 'front', 'fill', 'nudge', 'cut', 'paste', 'lock', 'undo']) runAction(board as unknown as ActionHost, name, 'red');
  assert.equal(board.sent.length, 0);
  assert.equal(board.edited.length, 0);
});

test('Touch_DragPansTapSelectsSelectedMoves', () => {
  const board = boardOf([a]), touch = { touch: true };
  drag(board, press(board, 150, 150, touch), [[250, 250]], touch);
  assert.equal(board.sent.length, 0);
  assert.equal(board.camera.x, -100, 'an unselected node does not stop the finger from panning');
  board.camera.set({ x: 0, y: 0, zoom: 1 });
  press(board, 150, 150, touch).end(at(board, 150, 150, touch));
  assert.deepEqual([...board.selection.ids], ['a']);
  drag(board, press(board, 150, 150, touch), [[250, 150]], touch);
  assert.equal(board.sent.length, 1);
});

// ---- hit testing, snapping, arranging

test('Hit_TopmostNodeWins_AndShapesAreHitByTheirOutline', () => {
  const low = node({ id: 'low', kind: 'rectangle', x: 0, y: 0, w: 200, h: 200, z: 1 }), top = node({ id: 'top', kind: 'diamond', x: 0, y: 0, w: 200, h: 200, z: 2 });
  const board = boardOf([low, top]);
  const id = (x: number, y: number) => { const hit = hitTest(board.scene, board.camera, board.selection, { x, y }); return hit?.on === 'node' ? hit.node.id : hit?.on; };
  assert.equal(id(100, 100), 'top');
  assert.equal(id(10, 10), 'low');
  assert.equal(id(400, 400), undefined);
});

test('Hit_ManySelectedOrTiny_NodesAreNotCoveredByHandles', () => {
  const board = boardOf([a, b], [edge({ id: 'ab' }, 'a', 'right', 'b', 'left')]);
  board.selection.set(['a', 'b', 'ab']);
  const on = (x: number, y: number) => hitTest(board.scene, board.camera, board.selection, { x, y }, { hovered: 'a' })?.on;
  assert.equal(on(195, 150), 'node', 'the end of an edge does not take what it touches');
  board.selection.set(['ab']);
  assert.equal(on(195, 150), 'end');
  board.selection.clear();
  assert.equal(on(218, 150), 'port');
  board.camera.set({ x: 0, y: 0, zoom: 0.1 });
  assert.notEqual(on(38, 15), 'port', 'what is not shown is not hit');
});

test('Hit_FrameTitleBorderInside', () => {
  const board = boardOf([frame]);
  const part = (x: number, y: number) => { const hit = hitTest(board.scene, board.camera, board.selection, { x, y }); return hit?.on === 'node' ? hit.part : null; };
  assert.equal(part(400, 290), 'title');
  assert.equal(part(380, 400), 'title');
  assert.equal(part(600, 450), 'inside');
});

test('Shapes_AllOutlines_ClosedAndInsideTheirBox', () => {
  for (const kind of SHAPES) {
    const { outline } = outlineData(kind, 200, 100);
    assert.match(outline, /^M.*Z$/);
    assert.ok(!outline.includes('NaN'), kind);
    assert.ok(insideOutline(kind, { x: 0, y: 0, w: 200, h: 100 }, 100, 55), kind);
  }
});

test('Snap_NearALine_PullsWithinReachOnly', () => {
  const snapper = new Snapper([{ x: 100, y: 100, w: 100, h: 100 }]);
  const near = snapper.box({ x: 104, y: 400, w: 50, h: 50 }, 6);
  assert.equal(near.dx, -4);
  assert.equal(near.dy, 0);
  assert.deepEqual(near.guides.map(g => [g.axis, g.at, g.from, g.to])[0], ['x', 100, 100, 450]);
  assert.equal(snapper.box({ x: 107, y: 400, w: 20, h: 50 }, 6).dx, 0);
  const side = snapper.sides({ x: 0, y: 0, w: 97, h: 40 }, { right: true }, 6);
  assert.equal(side.dx, 3);
});

test('Arrange_AlignAndDistribute', () => {
  const boxes = [{ id: '1', x: 0, y: 0, w: 10, h: 10 }, { id: '2', x: 35, y: 50, w: 30, h: 20 }, { id: '3', x: 90, y: 5, w: 10, h: 10 }];
  assert.deepEqual(align(boxes, 'right').map(p => p.x), [90, 70, 90]);
  assert.deepEqual(align(boxes, 'middle').map(p => p.y), [30, 25, 30]);
  assert.deepEqual(distribute(boxes, 'x').map(p => p.x), [0, 35, 90]);
  assert.deepEqual(distribute([boxes[0]!, { ...boxes[1]!, x: 12 }, boxes[2]!], 'x').map(p => p.x), [0, 35, 90]);
});

// ---- camera

test('Camera_ZoomAboutAPoint_KeepsItInPlace', () => {
  const camera = new Camera();
  camera.resize(800, 600);
  camera.set({ x: 13, y: -7, zoom: 0.7 });
  const before = camera.toBoard({ x: 300, y: 200 });
  for (const factor of [1.3, 0.2, 5, 0.9]) camera.zoomBy(factor, { x: 300, y: 200 });
  const after = camera.toBoard({ x: 300, y: 200 });
  assert.ok(Math.abs(before.x - after.x) < 1e-9 && Math.abs(before.y - after.y) < 1e-9);
  camera.zoomBy(1e9);
  assert.equal(camera.zoom, MAX_ZOOM);
  camera.set({ x: NaN, y: 0, zoom: 1 });
  assert.ok(Number.isFinite(camera.x), 'nonsense is ignored');
});

test('Camera_Flight_EndsWhereItShould_AndReducedMotionJumps', () => {
  const camera = new Camera();
  camera.resize(800, 600);
  const view = camera.viewOf({ x: 1000, y: 1000, w: 4000, h: 100 });
  camera.flyTo(view, 0);
  for (let now = 0; now <= 400; now += 16) camera.tick(now);
  assert.deepEqual({ x: camera.x, y: camera.y, zoom: camera.zoom }, view);
  camera.reducedMotion = true;
  camera.flyTo({ x: 0, y: 0, zoom: 1 }, 0);
  assert.equal(camera.x, 0);
});

// ---- clipboard, keys, text

test('Clipboard_CopyPaste_FreshIdsSameShape', () => {
  const board = boardOf([{ ...a, parent: 'f', label: 'hello', hasText: true, fill: 'red' }, b, frame], [edge({ id: 'ab', dashed: true }, 'a', 'right', 'b', 'left')]);
  const { envelope, whole } = envelopeOf(board.scene, new Set(['f', 'b']));
  assert.equal(whole, true);
  assert.deepEqual(envelope.nodes.map(n => n.id).sort(), ['a', 'b', 'f'], 'with what is inside the frame');
  const read = readEnvelope(JSON.stringify(envelope))!;
  const pasted = placed(read, { x: 5000, y: 5000, w: 1000, h: 800 }, 1);
  const by = (kind: string, text?: string) => pasted.nodes.find(n => n.kind === kind && n.text === text)!;
  assert.equal(by('rectangle', 'hello').parent, by('frame').id);
  assert.ok(pasted.nodes.every(n => !['a', 'b', 'f'].includes(n.id) && n.x > 4900));
  assert.equal(pasted.edges[0]!.from.node, by('rectangle', 'hello').id);
  assert.equal(pasted.edges[0]!.style!.dash, true);
});

test('Clipboard_ForeignAndDamagedText_IsNotAnEnvelope', () => {
  for (const text of ['', 'hello', '{}', '{"demiurge-board":1}', '{"demiurge-board":2,"nodes":[],"edges":[]}', '{"demiurge-board":1,"nodes":5,"edges":[]}', '{"demiurge-board":1,"nodes":[']) {
    assert.equal(readEnvelope(text), null, text);
  }
  const odd = readEnvelope('{"demiurge-board":1,"nodes":[null,5,{"id":"x"},{"id":"y","kind":"note","x":1,"y":1,"w":1,"h":1}],"edges":[{"id":"e"},{"id":"e","from":{"node":"y"},"to":{"node":"z"}}]}')!;
  assert.deepEqual(odd.nodes.map(n => n.id), ['y']);
  assert.equal(odd.edges.length, 0);
  assert.throws(() => readEnvelope(JSON.stringify({ 'demiurge-board': 1, nodes: Array(3000).fill({}), edges: [] })), RangeError);
});

test('Keys_Chords_NameTheirActions', () => {
  const key = (key: string, mods: Partial<Parameters<typeof actionFor>[0]> = {}) => actionFor({ key, code: mods.code ?? '', mod: false, shift: false, alt: false, ...mods });
  assert.deepEqual(key('z', { mod: true }), { name: 'undo' });
  assert.deepEqual(key('Z', { mod: true, shift: true }), { name: 'redo' });
  assert.deepEqual(key('ArrowLeft', { shift: true }), { name: 'nudge', arg: { x: -10, y: 0 } });
  assert.deepEqual(key('!', { shift: true, code: 'Digit1' }), { name: 'fit' });
  assert.deepEqual(key('n'), { name: 'tool', arg: 'note' });
  assert.deepEqual(key('?', { shift: true }), { name: 'shortcuts' });
  assert.equal(key('c', { mod: true }), null, 'copying is the clipboard event\'s');
  assert.equal(key('r', { mod: true }), null, 'reloading stays the browser\'s');
});

test('Wrap_LongWordsAndLines', () => {
  const measure = (text: string): number => text.length;
  assert.deepEqual(wrap('one two three', 8, measure), ['one two', 'three']);
  assert.deepEqual(wrap('a\n\nb', 8, measure), ['a', '', 'b']);
  assert.deepEqual(wrap('abcdefghij', 4, measure), ['abcd', 'efgh', 'ij']);
});
