// Serves the harness: node serve.mjs [port]
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const web = join(here, '../../../..');
const TYPES = { html: 'text/html', js: 'text/javascript', css: 'text/css' };

/** Starts on a port (0: any free one); resolves to { url, close }. */
export async function serve(port = 0) {
  const files = {
    'index.html': () => readFile(join(here, 'index.html')),
    'theme.css': () => readFile(join(web, 'wwwroot/css/theme.css')),
    'palette.css': () => readFile(join(web, 'wwwroot/board/palette.css')),
    'board-canvas.css': () => readFile(join(here, '../../board-canvas.css')),
    'main.js': async () => (await build({ entryPoints: [join(here, 'main.ts')], bundle: true, format: 'esm', write: false, sourcemap: 'inline', minify: true })).outputFiles[0].contents,
  };
  const server = createServer(async (request, response) => {
    const name = new URL(request.url, 'http://harness').pathname.slice(1) || 'index.html';
    try {
      const body = await files[name]();
      response.writeHead(200, { 'content-type': `${TYPES[name.split('.').pop()]}; charset=utf-8`, 'cache-control': 'no-store' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise(resolve => server.listen(port, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log((await serve(Number(process.argv[2] ?? 5200))).url);
