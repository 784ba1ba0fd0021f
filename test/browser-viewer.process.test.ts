import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { BrowserInput } from '@openlegion/contract/browser-view';
import { chromium } from 'playwright-core';
import { serveBrowserViewer } from '../packages/cli/src/commands/browser-viewer-server.ts';

const CHROMIUM = '/usr/lib/chromium/chromium';
/** A picture of one grey dot. */
const JPEG =
  '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQH/wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAACv/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AfwD/2Q==';

test('the page of the viewer shows frames as pictures and text alone, and sends what a person does while they hold it', {
  skip: existsSync(CHROMIUM) ? false : 'Debian’s chromium is not installed here',
  timeout: 60_000,
}, async () => {
  const frames = new PassThrough();
  const given: BrowserInput[] = [];
  let heard = Promise.withResolvers<void>();
  const show = (held: boolean) => {
    const title = '<img src=x onerror="document.title=`broken`">';
    frames.write(
      `${JSON.stringify({ jpeg: JPEG, url: 'https://a.test/"><b>', title, width: 100, height: 50, held })}\n\n`,
    );
  };
  const viewer = await serveBrowserViewer({
    agent: 'surfer',
    frames: async () => frames,
    input: async ({ events }) => {
      given.push(...events);
      heard.resolve();
    },
    secret: () => randomBytes(16).toString('hex'),
  });
  const browser = await chromium.launch({ executablePath: CHROMIUM });
  try {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto(viewer.url);
    show(false);
    await page.getByText('watching', { exact: true }).waitFor();
    assert.equal(await page.locator('#place').inputValue(), 'https://a.test/"><b>');
    assert.equal(await page.title(), 'OpenLegion browser');
    assert.ok(!page.url().includes('ticket'));
    // Watching alone sends nothing.
    await page.locator('#screen').click({ force: true });
    assert.equal(given.length, 0);

    await page.getByRole('button', { name: 'Take over' }).click();
    await heard.promise;
    assert.equal(JSON.stringify(given), '[{"type":"hold","on":true}]');
    show(true);
    await page.getByRole('button', { name: 'Give back' }).waitFor();
    await page.locator('#screen').focus();
    for (const key of ['a', 'Enter']) await page.keyboard.press(key);
    // Of a keyboard that has such a key.
    await page.locator('#screen').dispatchEvent('keydown', { key: 'é' });
    await page.locator('#screen').click({ force: true });
    heard = Promise.withResolvers();
    await page.getByRole('button', { name: 'Give back' }).click();
    while (!given.some((event) => event.type === 'hold' && !event.on)) {
      await heard.promise;
      heard = Promise.withResolvers();
    }
    const kinds = given.map((event) => `${event.type} ${'event' in event ? event.event : ''}`);
    for (const kind of ['key down', 'key up', 'mouse down', 'mouse up'])
      assert.ok(kinds.includes(kind), `${kind} is not in ${kinds}`);
    assert.ok(given.some((event) => event.type === 'key' && event.key === 'Enter'));
    assert.ok(given.some((event) => event.type === 'text' && event.text === 'é'));
    assert.deepEqual(problems, []);
  } finally {
    await browser.close();
    frames.end();
    await viewer.close();
  }
});
