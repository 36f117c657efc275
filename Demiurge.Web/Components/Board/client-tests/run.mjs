// Bundles the tests with esbuild (Node 20 does not read TypeScript) and runs them with node --test: node run.mjs [name part]
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
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
  const folders = [here, join(here, '../../Containers/client-tests')];
  const files = (await Promise.all(folders.map(async folder => (await readdir(folder)).map(name => join(folder, name)))))
    .flat().filter(file => file.endsWith('.test.ts') && basename(file).includes(wanted));
  const names = files.map(file => basename(file));
  await build({
    entryPoints: Object.fromEntries(files.map(file => [basename(file, '.ts'), file])), outdir: out, outExtension: { '.js': '.mjs' },
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
