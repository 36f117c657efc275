// Frame times of panning, zooming and dragging with 2,000 nodes and 2,000 edges in headless Chromium:
//   npm run board:frames [-- nodes]
// `frame` is the time from one frame to the next, `script` the time that this module's own code took of it.
import { chromium } from 'playwright-core';
import { serve } from './serve.mjs';

const nodes = Number(process.argv[2] ?? 2000);
const harness = await serve();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.on('pageerror', error => { throw error; });
  const opened = Date.now();
  await page.goto(`${harness.url}?nodes=${nodes}`);
  await page.waitForFunction(count => window.server?.scene.nodes.size === count, nodes);
  await page.evaluate(() => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  console.log(`open: ${Date.now() - opened} ms to the first complete picture, ${nodes} nodes, ${await page.evaluate(() => window.server.scene.edges.size)} edges, 1440 × 900`);
  await page.waitForTimeout(800);

  await measure('pan, whole board in view (fit)', 'pan');
  await measure('zoom from fit to 100 % and back', 'zoom');
  await measure('drag one node, whole board in view', 'drag');
  await measure('drag all nodes, whole board in view', 'dragAll');
  await page.evaluate(() => { window.handles[0].command('zoom100'); });
  await page.waitForTimeout(1200);
  await measure('pan at 100 %', 'pan');
  await measure('drag one node at 100 %', 'drag');

  async function measure(title, what) {
    const { frames, script } = await page.evaluate(run, what);
    const at = (list, p) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * p))].toFixed(1).padStart(6);
    const line = list => `p50 ${at(list, 0.5)}  p95 ${at(list, 0.95)}  max ${at(list, 1)} ms`;
    console.log(`${title.padEnd(38)} frame ${line(frames)}   script ${line(script)}   (${frames.length} frames)`);
    await page.waitForTimeout(600);
  }
} finally {
  await browser.close();
  harness.close();
}

/** In the page: one input a frame for about three seconds. */
async function run(what) {
  const stage = document.querySelector('[data-board="stage"]');
  const box = stage.getBoundingClientRect();
  const fire = (type, x, y, extra = {}) => stage.dispatchEvent(new PointerEvent(type, {
    bubbles: true, cancelable: true, pointerId: 1, pointerType: 'mouse', button: type === 'pointermove' ? -1 : 0, buttons: 1,
    clientX: box.left + x, clientY: box.top + y, ...extra,
  }));
  const wheel = (dx, dy, ctrlKey) => stage.dispatchEvent(new WheelEvent('wheel', {
    bubbles: true, cancelable: true, deltaX: dx, deltaY: dy, ctrlKey, clientX: box.left + 700, clientY: box.top + 400,
  }));
  // Frame callbacks of the page are timed from the first to the last that runs in a frame.
  const request = window.requestAnimationFrame;
  let spent = 0;
  window.requestAnimationFrame = callback => request.call(window, now => {
    const start = performance.now();
    callback(now);
    spent += performance.now() - start;
  });
  const frames = [], script = [];
  let x = 720, y = 450;
  if (what === 'drag' || what === 'dragAll') {
    if (what === 'dragAll') window.handles[0].command('selectAll');
    // Something to take hold of: the node nearest to the middle.
    const board = window.server.scene, view = window.circuits[0].view;
    let best = null, least = Infinity;
    for (const node of board.nodes.values()) {
      const px = (node.x + node.w / 2 - view.x) * view.zoom, py = (node.y + node.h / 2 - view.y) * view.zoom;
      const d = Math.hypot(px - 720, py - 450);
      if (d < least) { least = d; best = [px, py]; }
    }
    [x, y] = best;
    fire('pointerdown', x, y);
  }
  let last = await new Promise(resolve => request.call(window, resolve));
  for (let i = 0; i < 180; i++) {
    if (what === 'pan') wheel(Math.cos(i / 30) * 24, Math.sin(i / 30) * 18, false);
    else if (what === 'zoom') wheel(0, i < 90 ? -6 : 6, true);
    else fire('pointermove', x + Math.sin(i / 20) * 260, y + Math.cos(i / 25) * 160);
    spent = 0;
    const now = await new Promise(resolve => request.call(window, resolve));
    frames.push(now - last);
    script.push(spent);
    last = now;
  }
  if (what.startsWith('drag')) { fire('pointerup', x, y); window.handles[0].command('cancel'); }
  window.requestAnimationFrame = request;
  return { frames, script };
}
