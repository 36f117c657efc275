import assert from 'node:assert/strict';
import test from 'node:test';
import type { TextAnswer } from '../client/server';
import { applyDelta, compose, diff, transform, transformIndex, type Delta } from '../client/text/ot';
import { TextSession } from '../client/text/session';
import { randomOf } from './board';

const PIECES = ['a', 'bc', 'xyz', ' ', '\n', 'é', '👩‍👩‍👧', '🚀', 'word '];

function randomDelta(text: string, random: (below: number) => number): Delta {
  const delta: Delta = [];
  let at = 0;
  for (let i = 0; i < 1 + random(3) && at <= text.length; i++) {
    const skip = random(text.length - at + 1);
    if (skip) delta.push({ retain: skip });
    at += skip;
    if (random(2)) delta.push({ insert: PIECES[random(PIECES.length)]! });
    else if (at < text.length) { const n = 1 + random(Math.min(4, text.length - at)); delta.push({ delete: n }); at += n; }
  }
  return delta;
}

test('Transform_BothOrders_ReachTheSameText', () => {
  const random = randomOf(1);
  for (let round = 0; round < 20_000; round++) {
    const text = 'The quick brown fox'.slice(random(10));
    const first = randomDelta(text, random), second = randomDelta(text, random);
    const one = applyDelta(applyDelta(text, first), transform(second, first, true));
    const other = applyDelta(applyDelta(text, second), transform(first, second, false));
    assert.equal(one, other, JSON.stringify({ text, first, second }));
  }
});

test('Transform_TwoInsertsAtOnePlace_TheFirstStandsLeft', () => {
  const first: Delta = [{ retain: 1 }, { insert: 'A' }], second: Delta = [{ retain: 1 }, { insert: 'B' }];
  assert.equal(applyDelta(applyDelta('xy', first), transform(second, first, true)), 'xABy');
});

test('Compose_TwoDeltas_ActAsOne', () => {
  const random = randomOf(2);
  for (let round = 0; round < 20_000; round++) {
    const text = 'Hello, world'.slice(random(6));
    const first = randomDelta(text, random), middle = applyDelta(text, first), second = randomDelta(middle, random);
    assert.equal(applyDelta(text, compose(first, second)), applyDelta(middle, second), JSON.stringify({ text, first, second }));
  }
});

test('Diff_RandomReplacements_LeadFromOneToTheOther', () => {
  const random = randomOf(3);
  for (let round = 0; round < 5000; round++) {
    let before = '';
    for (let i = 0; i < random(8); i++) before += PIECES[random(PIECES.length)];
    const after = applyDelta(before, randomDelta(before, random));
    for (const caret of [after.length, random(after.length + 1)]) assert.equal(applyDelta(before, diff(before, after, caret)), after);
  }
});

test('Diff_SecondOfTwoEqualLetters_InsertsAtTheCaret', () => {
  assert.deepEqual(diff('aab', 'aaab', 2), [{ retain: 1 }, { insert: 'a' }]);
  assert.deepEqual(diff('ab', 'abb', 3), [{ retain: 2 }, { insert: 'b' }]);
});

test('Diff_EmojiReplaced_NeverCutsOne', () => {
  // Both share their first UTF-16 unit; a cut after it would leave half a character behind.
  const delta = diff('x🚀y', 'x🚁y', 3);
  assert.deepEqual(delta, [{ retain: 1 }, { insert: '🚁' }, { delete: 2 }]);
  const family = diff('👩‍👩‍👧', '👩‍👩‍👦', 8);
  assert.equal(family.length, 2, JSON.stringify(family));
});

test('TransformIndex_CaretAmongRemoteEdits_KeepsItsPlace', () => {
  assert.equal(transformIndex(5, [{ insert: 'ab' }]), 7);
  assert.equal(transformIndex(5, [{ retain: 5 }, { insert: 'ab' }]), 5);
  assert.equal(transformIndex(5, [{ retain: 2 }, { delete: 10 }]), 2);
  assert.equal(transformIndex(5, [{ retain: 2 }, { delete: 2 }, { retain: 4 }, { insert: 'z' }]), 3);
});

/** The server's rule in a few lines: transform what comes against everything since, append, tell the others. */
class ReferenceServer {
  text = 'start';
  readonly log: Delta[] = [];
  readonly clients: { id: number; push(version: number, delta: Delta): void }[] = [];
  edit(from: number, version: number, delta: Delta): TextAnswer {
    let mine = delta;
    for (const earlier of this.log.slice(version)) mine = transform(mine, earlier, true);
    this.text = applyDelta(this.text, mine);
    this.log.push(mine);
    for (const client of this.clients) if (client.id !== from) client.push(this.log.length, mine);
    return { version: this.log.length };
  }
}

test('TextSession_ManyPeopleUnderRandomDelays_AllConverge', async () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = randomOf(seed * 7919), server = new ReferenceServer();
    // Everything under way, each delivered in random order: answers and pushes overtake one another.
    const wires: (() => void)[] = [];
    const sessions = [0, 1, 2].map(id => {
      const session: TextSession = new TextSession('n', {
        openText: () => new Promise(resolve => wires.push(() => { const now = { version: server.log.length, text: server.text }; wires.push(() => resolve(now)); })),
        editText: (_, version, delta) => new Promise(resolve => wires.push(() => { const answer = server.edit(id, version, delta); wires.push(() => resolve(answer)); })),
      }, () => { shown[id] = session.text; }, error => assert.fail(error), '');
      server.clients.push({ id, push: (version, delta) => wires.push(() => session.receive(version, delta)) });
      return session;
    });
    const shown = ['', '', ''];
    const opening = sessions.map(session => session.open());
    for (let step = 0; step < 60; step++) {
      if (random(3) === 0) { const session = sessions[random(3)]!; session.edit(randomDelta(session.text, random)); }
      else if (wires.length > 0) wires.splice(random(wires.length), 1)[0]!();
      await Promise.resolve(); await Promise.resolve();
    }
    while (wires.length > 0) { wires.splice(random(wires.length), 1)[0]!(); await new Promise(resolve => setImmediate(resolve)); }
    await Promise.all(opening);
    for (const session of sessions) {
      assert.ok(session.synced, `seed ${seed}: still waiting`);
      assert.equal(session.text, server.text, `seed ${seed}`);
    }
  }
});

test('TextSession_StaleAnswer_StartsOverFromTheServersText', async () => {
  const session = new TextSession('n', {
    openText: async () => ({ version: 3, text: 'abc' }),
    editText: async () => ({ version: 90, error: 'too old', text: 'fresh' }),
  }, () => undefined, error => assert.fail(error), '');
  await session.open();
  session.edit([{ retain: 3 }, { insert: 'd' }]);
  await new Promise(resolve => setImmediate(resolve));
  assert.equal(session.text, 'fresh');
  assert.equal(session.version, 90);
});

for (const [name, pushed, arrived, expected] of [
  ['NotArrived', 'abc', false, 'abcde'], ['Arrived', 'abcd', true, 'abcde'], ['OthersTypedMeanwhile', 'Xabc', false, 'Xabcde'],
  ['ArrivedAndOthersTyped', 'Xabcd', true, 'Xabcde'],
] as const) {
  test(`TextSession_CircuitAwayAndBack_${name}_CarriesTypingOver`, async () => {
    const sent: Delta[] = [], numbers: number[] = [];
    let away = true;
    const session = new TextSession('n', {
      openText: async () => ({ version: 3, text: 'abc' }),
      editText: (_, version, delta, number) => {
        numbers.push(number);
        // What was on its way when the circuit was lost is never answered.
        if (away) return new Promise(() => undefined);
        sent.push(delta);
        return Promise.resolve({ version: version + 1 });
      },
    }, () => undefined, error => assert.fail(error), '');
    await session.open();
    session.edit([{ retain: 3 }, { insert: 'd' }]);
    session.edit([{ retain: 4 }, { insert: 'e' }]);
    await new Promise(resolve => setImmediate(resolve));
    assert.equal(session.text, 'abcde');
    assert.equal(session.synced, false);
    away = false;
    session.receive(7, { reset: pushed, edit: numbers[0]! - (arrived ? 0 : 1) });
    await new Promise(resolve => setImmediate(resolve));
    assert.equal(session.text, expected);
    assert.equal(sent.reduce<string>((text, delta) => applyDelta(text, delta), pushed), expected);
    assert.equal(session.synced, true);
    if (!arrived) assert.equal(numbers[1], numbers[0], 'sent again under its number');
  });
}

test('TextSession_OpenedAsTheCircuitIsLost_KeepsTypingForTheReturn', async () => {
  const sent: Delta[] = [];
  let away = true;
  const session = new TextSession('n', {
    openText: () => away ? new Promise(() => undefined) : Promise.resolve({ version: 3, text: 'abc' }),
    editText: async (_, version, delta) => { sent.push(delta); return { version: version + 1 }; },
  }, () => undefined, error => assert.fail(error), 'abc');
  void session.open();
  session.edit([{ retain: 3 }, { insert: 'd' }]);
  away = false;
  session.resume();
  await new Promise(resolve => setImmediate(resolve));
  assert.equal(session.text, 'abcd');
  assert.deepEqual(sent, [[{ retain: 3 }, { insert: 'd' }]]);
  assert.equal(session.synced, true);
});

test('TextSession_CircuitsLostAtRandom_AppliesEachEditOnce', async () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = randomOf(seed * 104729), server = new ReferenceServer();
    // Each person's own wires, in order both ways as over a socket; a lost circuit loses what is on them.
    const wires: (() => void)[][] = [[], [], []], carriedOut = [0, 0, 0];
    const sessions = [0, 1, 2].map(id => {
      const session: TextSession = new TextSession('n', {
        openText: () => new Promise(resolve => wires[id]!.push(() => { const now = { version: server.log.length, text: server.text }; wires[id]!.push(() => resolve(now)); })),
        editText: (_, version, delta, number) => new Promise(resolve => wires[id]!.push(() => {
          let answer: TextAnswer;
          if (number <= carriedOut[id]!) answer = { version: server.log.length, text: server.text, edit: carriedOut[id]! };
          else { answer = server.edit(id, version, delta); carriedOut[id] = number; }
          wires[id]!.push(() => resolve(answer));
        })),
      }, () => undefined, error => assert.fail(error), '');
      server.clients.push({ id, push: (version, delta) => wires[id]!.push(() => session.receive(version, delta)) });
      return session;
    });
    for (const session of sessions) void session.open();
    const typed = [0, 0, 0];
    const lose = (id: number): void => {
      wires[id]!.length = 0;
      const at = server.log.length, reset = server.text, edit = carriedOut[id]!;
      wires[id]!.push(() => { sessions[id]!.receive(at, { reset, edit }); sessions[id]!.resume(); });
    };
    for (let step = 0; step < 80; step++) {
      const id = random(3);
      switch (random(8)) {
        case 0: case 1: sessions[id]!.edit([{ insert: String(id) }]); typed[id]!++; break;
        case 2: if (random(3) === 0) lose(id); break;
        default: wires[id]!.shift()?.();
      }
      await Promise.resolve(); await Promise.resolve();
    }
    while (wires.some(wire => wire.length > 0)) { wires[random(3)]!.shift()?.(); await new Promise(resolve => setImmediate(resolve)); }
    for (const [id, session] of sessions.entries()) {
      assert.ok(session.synced, `seed ${seed}: still waiting`);
      assert.equal(session.text, server.text, `seed ${seed}`);
      assert.equal(server.text.split(String(id)).length - 1, typed[id], `seed ${seed}: typing of ${id} in ${server.text}`);
    }
  }
});
