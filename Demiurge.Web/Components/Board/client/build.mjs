// Bundles the board's browser module and its style sheet: node build.mjs <output folder>
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, '../../../obj/board/board'));

let esbuild;
try {
  esbuild = await import('esbuild');
} catch {
  // The form that MSBuild reads as an error.
  console.error('board : error BOARD001: esbuild is not installed. Run "npm ci" in the repository root.');
  process.exit(1);
}

try {
  await esbuild.build({
    entryPoints: {
      'board': join(here, 'board.ts'),
      'board-canvas': join(here, '../board-canvas.css'),
      'terminal': join(here, '../../Containers/client/terminal.ts'),
      'clocks': join(here, '../../Containers/client/clocks.ts'),
      'terminal-screen': join(here, '../../Containers/client/terminal.css'),
    },
    outdir: out,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    sourcemap: true,
    legalComments: 'none',
    logLevel: 'silent',
  });
} catch (failure) {
  for (const { text, location } of failure.errors ?? [{ text: String(failure) }]) {
    console.error(`${location ? `${resolve(location.file)}(${location.line},${location.column + 1})` : 'board'} : error BOARD002: ${text}`);
  }
  process.exit(1);
}
