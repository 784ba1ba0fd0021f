import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { createBrowser } from './create-browser.ts';
import { createFakeBackend, type FakeBackend, fakeDownload } from './test/fake-backend.ts';

function rig() {
  const opened: FakeBackend[] = [];
  const timers = new Map<number, { ms: number; run: () => void }>();
  let next = 0;
  const browser = createBrowser({
    open: async () => {
      const fake = createFakeBackend();
      opened.push(fake);
      return fake.backend;
    },
    saveDownload: async (download) => `downloaded ${download.suggestedFilename()}`,
    after: (ms, run) => {
      const id = next++;
      timers.set(id, { ms, run });
      return () => void timers.delete(id);
    },
  });
  const { signal } = new AbortController();
  return {
    browser,
    opened,
    go: (url: string) => browser.use(signal, ({ page }) => page.goto(url)),
    where: () => browser.use(signal, async ({ page }) => page.url()),
    /** Runs what is due in `ms`. */
    pass(ms: number) {
      for (const [id, timer] of [...timers]) {
        if (timer.ms !== ms) continue;
        timers.delete(id);
        timer.run();
      }
    },
  };
}
const IDLE_MS = 300_000;
const HELD_MS = 40_000;

test('nothing is started before the first use, one thing runs at a time, and an idle browser is ended', async () => {
  const { browser, opened, where, pass } = rig();
  assert.equal(opened.length, 0);
  const order: string[] = [];
  const first = Promise.withResolvers<void>();
  const { signal } = new AbortController();
  const one = browser.use(signal, async () => {
    order.push('one begins');
    await first.promise;
    order.push('one ends');
  });
  const two = browser.use(signal, async () => void order.push('two'));
  first.resolve();
  await Promise.all([one, two]);
  assert.deepEqual(order, ['one begins', 'one ends', 'two']);
  const leave = browser.keepOpen();
  pass(IDLE_MS);
  assert.equal(opened[0]?.closed, false);
  leave();
  pass(IDLE_MS);
  assert.equal(await where(), 'about:blank');
  assert.deepEqual([opened.length, opened[0]?.closed], [2, true]);
  assert.deepEqual(browser.takeNotes(), []);
});

test('a browser that died is opened again where it was, and says so once', async () => {
  const { browser, opened, go, where } = rig();
  await go('https://a.test/');
  opened[0]?.die();
  assert.equal(await where(), 'https://a.test/');
  assert.equal(opened.length, 2);
  assert.match(browser.takeNotes().join(), /started anew; tabs are gone\. It was at https:\/\/a\.test\//);
  assert.deepEqual(browser.takeNotes(), []);
  const { signal } = new AbortController();
  const cut = browser.use(signal, async () => {
    opened[1]?.die();
    throw new Error('Target closed');
  });
  await assert.rejects(
    cut,
    (error) => error instanceof OpenLegionError && error.rule === 'agent.browser_ended',
  );
});

test('while a person holds it the agent waits, is refused after a while, and goes on when it is given back', async () => {
  const { browser, where, pass } = rig();
  await where();
  browser.hold(true);
  const refused = where();
  assert.equal(await browser.touch(async ({ page }) => page.url()), 'about:blank');
  pass(HELD_MS);
  await assert.rejects(
    refused,
    (error) => error instanceof OpenLegionError && error.rule === 'agent.browser_held',
  );
  const waiting = where();
  browser.hold(false);
  assert.equal(await waiting, 'about:blank');
});

test('an abort ends the wait for an action, and the next one runs', async () => {
  const { browser, where } = rig();
  const stop = new AbortController();
  const stuck = browser.use(stop.signal, () => new Promise<never>(() => {}));
  await browser.touch(async () => {});
  stop.abort(new Error('cancelled'));
  await assert.rejects(stuck, /cancelled/);
  assert.equal(await where(), 'about:blank');
  await assert.rejects(
    browser.use(stop.signal, async () => {}),
    /cancelled/,
  );
});

test('tabs, dialogs, crashes and downloads are noted; a page that opens tabs without end is stopped', async () => {
  const { browser, opened, where } = rig();
  await where();
  const [fake] = opened;
  const dismissed: string[] = [];
  const dialog = (type: string) => ({
    type: () => type,
    message: () => 'Sure?',
    accept: async () => void dismissed.push(`accepted ${type}`),
    dismiss: async () => void dismissed.push(`dismissed ${type}`),
  });
  fake?.pages[0]?.emit('dialog', dialog('confirm'));
  fake?.pages[0]?.emit('dialog', dialog('beforeunload'));
  fake?.pages[0]?.emit('download', fakeDownload('a.csv'));
  await where();
  assert.deepEqual(dismissed, ['dismissed confirm', 'accepted beforeunload']);
  assert.deepEqual(browser.takeNotes(), ['a dialog (confirm) was dismissed: Sure?', 'downloaded a.csv']);
  for (let tab = 0; tab < 20; tab++) await fake?.backend.context.newPage();
  assert.equal(fake?.pages.length, 8);
  assert.match(browser.takeNotes().join(), /more than 8 tabs/);
  fake?.pages.at(-1)?.emit('crash');
  assert.equal(fake?.pages.length, 7);
  assert.match(browser.takeNotes().join(), /crashed/);
});

test('a download that is waited for is told to who waits', async () => {
  const { browser, opened } = rig();
  const { signal } = new AbortController();
  const told = await browser.use(signal, async ({ nextDownload }) => {
    const { began, saved } = nextDownload();
    opened[0]?.pages[0]?.emit('download', fakeDownload('b.csv'));
    await began;
    return saved;
  });
  assert.equal(told, 'downloaded b.csv');
  assert.deepEqual(browser.takeNotes(), []);
});
