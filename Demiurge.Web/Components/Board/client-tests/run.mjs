// Bundles the tests with esbuild (Node 20 does not read TypeScript) and runs them with node --test: node run.mjs [name part]
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv[2] ?? '';
// Below the repository, where the bundles find node_modules.
const obj = join(here, '../../../obj');
await mkdir(obj, { recursive: true });
const out = await mkdtemp(join(obj, 'board-tests-'));
let code = 1;
try {
  const names = (await readdir(here)).filter(name => name.endsWith('.test.ts') && name.includes(wanted));
  await build({
    entryPoints: names.map(name => join(here, name)), outdir: out, outExtension: { '.js': '.mjs' },
    bundle: true, platform: 'node', format: 'esm', target: 'node20', sourcemap: 'inline', logLevel: 'warning',
    external: ['playwright-core', 'esbuild'],
    define: { TESTS: JSON.stringify(here) },
  });
  const child = spawn(process.execPath, ['--enable-source-maps', '--test', '--test-reporter=spec', ...names.map(name => join(out, name.replace(/\.ts$/, '.mjs')))],
    { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  code = await new Promise(resolve => child.on('exit', status => resolve(status ?? 1)));
} finally {
  await rm(out, { recursive: true, force: true });
}
process.exit(code);
