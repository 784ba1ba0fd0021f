import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeProxy, type OutsideReply } from '../testing/fake-proxy.ts';
import { runTool } from '../testing/run-tool.ts';
import { temporaryDirectory } from '../testing/turn-rig.ts';
import { createOutputFiles } from './output-files.ts';
import { pageText } from './page-text.ts';
import { createWebFetch } from './web-fetch.ts';

const html = (body: string, status = 200): OutsideReply => ({
  status,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body,
});

async function rig(reply: (target: string) => OutsideReply) {
  const directory = temporaryDirectory();
  const outputs = createOutputFiles(directory.path);
  const proxy = await fakeProxy({ reply: ({ target }) => reply(target) });
  const tool = createWebFetch({
    send: proxy.send,
    capture: ({ messageId, callId }) => outputs.capture(messageId, callId),
  });
  return {
    proxy,
    fetch: (url: string) => runTool(tool, { url }),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      directory[Symbol.dispose]();
    },
  };
}

test('a page is given as what a person reads of it, its links whole, its scripts gone', async () => {
  const words = 'Words of an article, more than a few of them. '.repeat(20);
  await using at = await rig(() =>
    html(
      `<title>On <i>tests</i></title><nav><a href="/menu">Menu</a></nav><article><h2>First</h2><p>${words}
       <a href="../next">next</a> <a href="javascript:alert(1)">bad</a></p><script>steal()</script></article>`,
    ),
  );
  const { outcome, output } = await at.fetch('https://outside.example/a/b');
  assert.equal(outcome, 'ok');
  assert.match(output, /^https:\/\/outside.example\/a\/b\nHTTP 200, text\/html\n/);
  assert.match(output, /## First/);
  assert.match(output, /\[next\]\(https:\/\/outside.example\/next\)/);
  assert.doesNotMatch(output, /steal|javascript:|<p>/);
  const [seen] = at.proxy.seen;
  assert.deepEqual(
    [seen?.method, seen?.headers.cookie, seen?.headers.authorization],
    ['GET', undefined, undefined],
  );
});

test('redirects are followed, each asked for anew, five at most and only to addresses of the web', async () => {
  const to = (location: string): OutsideReply => ({ status: 302, headers: { location } });
  await using at = await rig((target) => {
    if (target === '/start') return to('https://html.duckduckgo.com/end');
    if (target === '/end') return { headers: { 'content-type': 'text/plain' }, body: 'there' };
    if (target === '/file') return to('file:///etc/passwd');
    if (target === '/user') return to('https://user:pass@html.duckduckgo.com/');
    return to('/again');
  });
  assert.match(
    (await at.fetch('https://outside.example/start')).output,
    /^https:\/\/html.duckduckgo.com\/end\n.*\n\nthere/,
  );
  assert.deepEqual(
    at.proxy.seen.map(({ connect }) => connect),
    ['outside.example:443', 'html.duckduckgo.com:443'],
  );
  assert.match((await at.fetch('https://outside.example/loop')).output, /more than 5 redirects/);
  assert.equal(at.proxy.seen.length, 2 + 6);
  for (const path of ['/file', '/user']) {
    const before = at.proxy.seen.length;
    assert.match((await at.fetch(`https://outside.example${path}`)).output, /HTTP 302/);
    assert.equal(at.proxy.seen.length, before + 1);
  }
});

test('what is no text is not shown, an error is one, JSON comes as it is', async () => {
  const replies: OutsideReply[] = [
    { headers: { 'content-type': 'image/png' }, body: Buffer.from([0x89, 0x50]) },
    html('<p>gone</p>', 404),
    { headers: { 'content-type': 'application/json' }, body: '{"a":"<b>"}' },
  ];
  await using at = await rig(() => replies.shift() ?? {});
  assert.match((await at.fetch('https://outside.example/')).output, /not text \(2 bytes\)/);
  assert.equal((await at.fetch('https://outside.example/')).outcome, 'error');
  assert.match((await at.fetch('https://outside.example/')).output, /\n\n\{"a":"<b>"\}$/);
});

test('a page made to exhaust its parsers costs the agent neither its memory nor its life', async () => {
  const pages = ['<p>'.repeat(300_000), '<a '.repeat(300_000), '<!--'.repeat(9999)];
  await using at = await rig(() => html(pages.shift() ?? ''));
  const before = process.memoryUsage().rss;
  for (let page = 0; page < 3; page++) {
    const { outcome } = await at.fetch('https://outside.example/');
    assert.equal(outcome, 'ok');
  }
  assert.ok(process.memoryUsage().rss - before < 100 * 1024 * 1024);
});

test('a page that takes its parsers too long is given as plain text', async () => {
  const page = Buffer.from(`<style>x</style>${'<b><i>'.repeat(60_000)}the &amp; text<script>no()</script>`);
  const url = new URL('https://outside.example/');
  const text = await pageText(page, url, new AbortController().signal, 200);
  assert.equal(text, 'the & text');
  await assert.rejects(pageText(page, url, AbortSignal.abort(new Error('cancelled'))), /cancelled/);
});
