// Writes scene.json: frames of the scene feed beside the bytes that the browser module's own encoder makes of them.
// Run from the repository root: node Demiurge.Tests/Boards/Fixtures/scene.mjs
import { build } from 'esbuild';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const bundle = await build({ entryPoints: [join(here, '../../../Demiurge.Web/Components/Board/client/codec.ts')], bundle: true, format: 'esm', write: false });
const { encodeFrame } = await import(`data:text/javascript;base64,${Buffer.from(bundle.outputFiles[0].contents).toString('base64')}`);

const note = {
  id: 'n1', kind: 'note', x: -120.25, y: 1e6, w: 200, h: 150.5, z: 65536, parent: 'frame-1', fill: 'yellow', stroke: 'none', color: 'black', fontSize: 18,
  locked: true, hasText: true, align: 'center', label: 'Grüße 🚀 — 你好',
};
const card = { ...note, id: 'Ω foreign id', kind: 'from-tomorrow', z: -7, parent: '', locked: false, hasText: false, align: 'left', label: '' };
const edge = {
  id: 'e1', from: { node: 'n1', port: 'right' }, to: { node: 'Ω foreign id', port: 'top' }, kind: 'step', color: 'gray', width: 2.5,
  arrowEnd: true, arrowStart: true, dashed: true, label: 'yes',
};
const frames = [
  ['empty', { reset: false, applied: 4294967295, records: [] }],
  ['everything', {
    reset: true, applied: 0,
    records: [
      { op: 'node', node: note }, { op: 'node', node: card }, { op: 'removeNode', id: 'gone' },
      { op: 'edge', edge }, { op: 'edge', edge: { ...edge, id: 'e2', kind: 'bezier', arrowEnd: false, arrowStart: false, dashed: false, label: '' } }, { op: 'removeEdge', id: 'e0' },
    ],
  }],
];
writeFileSync(join(here, 'scene.json'), JSON.stringify(frames.map(([name, frame]) => ({ name, hex: Buffer.from(encodeFrame(frame)).toString('hex'), frame })), null, 2) + '\n');
