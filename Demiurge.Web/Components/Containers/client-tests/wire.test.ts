import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duration, left } from '../client/clocks';
import { unscaled } from '../client/pointerScale';
import { afterClose, Backoff, readMessage, sizeMessage } from '../client/wire';

test('a message that is none is passed over', () => {
  for (const text of ['', '{', '[]', 'null', '5', '{"type":"else"}', '{"type":"size","columns":"80","rows":24}', '{"type":"size","columns":1,"rows":24}', '{"type":"size","columns":80.5,"rows":24}']) {
    assert.equal(readMessage(text), null, text);
  }
});

test('the end of a shell has its code, or none where it went with its container', () => {
  assert.deepEqual(readMessage('{"type":"exit","code":3}'), { type: 'exit', code: 3 });
  assert.deepEqual(readMessage('{"type":"exit","code":null}'), { type: 'exit', code: null });
});

test('typing is only allowed in so many words', () => {
  assert.deepEqual(readMessage('{"type":"replay","readOnly":false}'), { type: 'replay', readOnly: false });
  assert.deepEqual(readMessage('{"type":"replay"}'), { type: 'replay', readOnly: true });
  assert.deepEqual(readMessage('{"type":"replay","readOnly":0}'), { type: 'replay', readOnly: true });
});

test('who watches is read name by name', () => {
  assert.deepEqual(readMessage('{"type":"watchers","watchers":[{"name":"Ada","readOnly":false},{"name":5},null,"x"]}'), { type: 'watchers', watchers: [{ name: 'Ada', readOnly: false }] });
  assert.deepEqual(readMessage('{"type":"watchers"}'), { type: 'watchers', watchers: [] });
});

test('a close says whether to come back', () => {
  assert.equal(afterClose(4401), 'now');
  assert.equal(afterClose(4409), 'now');
  assert.equal(afterClose(4403), 'never');
  for (const code of [1000, 1006, 4404, 4503]) assert.equal(afterClose(code), 'later');
});

test('a window of no size asks for nothing', () => {
  assert.equal(sizeMessage(0, 0), null);
  assert.equal(sizeMessage(Number.NaN, 24), null);
  assert.deepEqual(JSON.parse(sizeMessage(80, 24)!), { type: 'resize', columns: 80, rows: 24 });
});

test('attempts begin at once, slow down, and never stop', () => {
  const backoff = new Backoff(() => 0.5), waits = Array.from({ length: 12 }, () => backoff.next());
  assert.equal(waits[0], 250);
  assert.ok(waits.every((wait, i) => i === 0 || wait >= waits[i - 1]!));
  assert.equal(waits.at(-1), 8000);
  backoff.reset();
  assert.equal(backoff.next(), 250);
});

test('attempts of many browsers spread', () => {
  assert.ok(new Backoff(() => 0).next() < new Backoff(() => 1).next());
});

test('a point in a zoomed box is where it is at 100 %', () => {
  const box = { left: 100, top: 50 };
  assert.equal(unscaled({ x: 120, y: 60 }, box, 1), null);
  assert.deepEqual(unscaled({ x: 120, y: 60 }, box, 0.5), { x: 140, y: 70 });
  assert.deepEqual(unscaled({ x: 300, y: 250 }, box, 2), { x: 200, y: 150 });
  assert.equal(unscaled({ x: 1, y: 1 }, box, 0), null);
});

test('a countdown goes by the second at its end and never below nothing', () => {
  assert.equal(left(272_000), '4:32');
  assert.equal(left(59_001), '1:00');
  assert.equal(left(0), '0:00');
  assert.equal(left(-5), '0:00');
  assert.equal(left(Number.NaN), '0:00');
  assert.equal(left(2 * 3_600_000 + 5 * 60_000), '2 h 5 min');
});

test('how long it runs is said in two units at most', () => {
  assert.equal(duration(20_000), 'less than a minute');
  assert.equal(duration(61_000), '1 min');
  assert.equal(duration(3_600_000), '1 h');
  assert.equal(duration(3 * 86_400_000), '3 days');
  assert.equal(duration(-1), 'less than a minute');
});
