import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { decodeFrame, encodeFrame, type SceneFrame } from '../client/codec';
import { small } from '../client/harness/furnish';
import { randomOf } from './board';

declare const TESTS: string;

function sample(): SceneFrame {
  const [nodes, edges] = small();
  return {
    reset: true, applied: 77,
    records: [
      ...nodes.map((node, i) => ({ op: 'node', node: { ...node, fontSize: 18, align: (['', 'left', 'center', 'right'] as const)[i % 4]!, locked: i % 3 === 0 } }) as const),
      ...edges.map(edge => ({ op: 'edge', edge: { ...edge, width: 2.5 } }) as const),
      { op: 'removeNode', id: 'gone' }, { op: 'removeEdge', id: 'Ω-edge-🚀' },
    ],
  };
}

test('Codec_EveryRecord_ComesBackAsItWas', () => {
  const frame = sample();
  assert.deepEqual(decodeFrame(encodeFrame(frame)), frame);
});

test('Codec_CutAnywhere_ThrowsRangeError', () => {
  const bytes = encodeFrame(sample());
  for (let length = 0; length < bytes.length; length += 7) {
    assert.throws(() => decodeFrame(bytes.subarray(0, length)), RangeError, `cut at ${length}`);
  }
});

test('Codec_FlippedBytes_DecodeOrThrowRangeError', () => {
  const bytes = encodeFrame(sample()), random = randomOf(5);
  for (let round = 0; round < 2000; round++) {
    const damaged = bytes.slice();
    for (let i = 0; i < 3; i++) damaged[random(damaged.length)] = random(256);
    try { decodeFrame(damaged); } catch (error) { assert.ok(error instanceof RangeError, String(error)); }
  }
});

test('Codec_ServersGoldenBytes_ReadAsTheirFrame', context => {
  const file = join(TESTS, '../../../../Demiurge.Tests/Boards/Fixtures/scene.json');
  if (!existsSync(file)) { context.skip('no golden bytes'); return; }
  const cases = JSON.parse(readFileSync(file, 'utf8')) as { name: string; hex: string; frame: SceneFrame }[];
  assert.ok(cases.length > 0);
  for (const { name, hex, frame } of cases) assert.deepEqual(decodeFrame(new Uint8Array(Buffer.from(hex, 'hex'))), frame, name);
});
