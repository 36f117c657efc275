import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import type { FakeCircuit, FakeServer } from '../client/harness/fakeServer';

declare const TESTS: string;
declare const server: FakeServer;
declare const circuits: FakeCircuit[];

// The whole module in a real browser, against the server in memory.
const chromium = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const skip = existsSync(chromium) ? false : 'no Chromium';
let browser: Browser, harness: { url: string; close(): void };

before(async () => {
  if (skip) return;
  const { serve } = await import(pathToFileURL(join(TESTS, '../client/harness/serve.mjs')).href) as { serve(): Promise<typeof harness> };
  harness = await serve();
  const { chromium: launcher } = await import('playwright-core');
  browser = await launcher.launch({ executablePath: chromium, args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking'] });
});

after(async () => { await browser?.close(); harness?.close(); });

async function open(query: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  const page = await context.newPage();
  page.on('pageerror', error => { throw error; });
  await page.goto(`${harness.url}?${query}`);
  await page.waitForFunction(() => document.querySelectorAll('.node[data-placed]').length > 5 || location.search.includes('empty'));
  return page;
}

const middle = async (page: Page, id: string): Promise<{ x: number; y: number }> => {
  const box = (await page.locator(`[data-id="${id}"]`).first().boundingBox())!;
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
};

test('Harness_DragUnderLatency_NeverJumpsBack', { skip }, async () => {
  const page = await open('latency=300');
  const { x, y } = await middle(page, 'web');
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + 83, y - 61, { steps: 6 });
  await page.mouse.up();
  const places = await page.evaluate(async () => {
    const element = document.querySelector<HTMLElement>('[data-id="web"]')!, seen = new Set<string>();
    const before = server.scene.nodes.get('web')!.x;
    // Until the echo has come back and a while after it.
    for (let after = 0; after < 30; after += server.scene.nodes.get('web')!.x === before ? 0 : 1) {
      seen.add(element.style.transform);
      await new Promise(requestAnimationFrame);
    }
    return [...seen];
  });
  assert.equal(places.length, 1, places.join(' '));
  assert.ok(await page.evaluate(() => (circuits[0]!.calls['Apply'] ?? 0) === 1), 'one command for the whole drag');
  await page.context().close();
});

test('Harness_RefusedMove_FallsBackWithAWord', { skip }, async () => {
  const page = await open('latency=50');
  await page.evaluate(() => { server.refuse = () => 'You may only look at this board.'; });
  const before = await middle(page, 'gate');
  await page.mouse.move(before.x, before.y);
  await page.mouse.down();
  await page.mouse.move(before.x + 90, before.y + 40, { steps: 4 });
  await page.mouse.up();
  await page.getByText('You may only look at this board.').waitFor();
  assert.deepEqual(await middle(page, 'gate'), before);
  await page.context().close();
});

test('Harness_RemoteEditWhileComposing_MergesWithoutBreakingTheComposition', { skip }, async () => {
  const page = await open('latency=20');
  const { x, y } = await middle(page, 'web');
  await page.mouse.dblclick(x, y);
  await page.locator('textarea').waitFor();
  await page.waitForFunction(() => (circuits[0]!.calls['OpenText'] ?? 0) === 1);
  await page.keyboard.press('End');
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Input.imeSetComposition', { text: 'にほ', selectionStart: 2, selectionEnd: 2 });
  await page.evaluate(() => { server.editText('web', server.openText('web').version, [{ insert: 'REMOTE ' }], null); });
  await cdp.send('Input.imeSetComposition', { text: 'にほん', selectionStart: 3, selectionEnd: 3 });
  await cdp.send('Input.insertText', { text: '日本' });
  await page.waitForFunction(() => server.text('web') === 'REMOTE Web日本');
  assert.equal(await page.locator('textarea').inputValue(), 'REMOTE Web日本');
  assert.equal(await page.locator('textarea').evaluate((area: HTMLTextAreaElement) => area.selectionStart), 12, 'the caret is behind what was typed');
  await page.context().close();
});

test('Harness_AnotherTypesInTheSameNote_BothTextsMerge', { skip }, async () => {
  const page = await open('latency=80');
  const { x, y } = await middle(page, 'a');
  await page.mouse.dblclick(x, y);
  await page.locator('textarea').waitFor();
  await page.waitForFunction(() => (circuits[0]!.calls['OpenText'] ?? 0) === 1);
  await page.keyboard.press('End');
  const other = page.evaluate(async () => {
    for (const letter of 'uvwxyz') {
      server.editText('a', server.openText('a').version, [{ insert: letter }], null);
      await new Promise(resolve => setTimeout(resolve, 15));
    }
  });
  await page.keyboard.type(' ABCDEF', { delay: 10 });
  await other;
  await page.waitForFunction(() => server.text('a') === 'zyxwvuInvite the team and try the board together ABCDEF');
  await page.waitForFunction(() => document.querySelector('textarea')!.value === server.text('a'));
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !document.querySelector('.board-editor') && document.querySelector('[data-id="a"] .node-text')!.textContent === server.text('a'));
  await page.context().close();
});

test('Harness_StyleSheetGone_TheStageKeepsItsSize', { skip }, async () => {
  const page = await open('');
  await page.evaluate(() => { for (const sheet of document.querySelectorAll('link[rel=stylesheet], style')) sheet.remove(); });
  for (let i = 0; i < 10; i++) await page.evaluate(() => new Promise(requestAnimationFrame));
  const [stage, canvas] = await page.evaluate(() => [document.querySelector('[data-board=stage]')!.clientHeight, document.querySelector<HTMLCanvasElement>('.board-base')!.height]);
  assert.ok(stage! <= 900 && canvas! < 2500, `stage ${stage}, canvas ${canvas}`);
  await page.context().close();
});
