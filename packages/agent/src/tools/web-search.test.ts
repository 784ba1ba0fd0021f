import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeProxy, type OutsideReply } from '../testing/fake-proxy.ts';
import { runTool } from '../testing/run-tool.ts';
import { createWebSearch } from './web-search.ts';

/** The shape of one result on html.duckduckgo.com. */
const result = (title: string, href: string, snippet: string, more = '') => `
  <div class="result results_links results_links_deep web-result ${more}"><div class="links_main links_deep result__body">
    <h2 class="result__title"><a rel="nofollow" class="result__a" href="${href}">${title}</a></h2>
    <a class="result__snippet" href="${href}">${snippet}</a></div></div>`;
const wrapped = (url: string) => `//duckduckgo.com/l/?uddg=${encodeURIComponent(url)}&amp;rut=0123`;
const page = (...results: string[]) =>
  `<!DOCTYPE html><body><div id="links">${results.join('')}</div></body>`;

test('gives titles, the addresses that the redirects lead to, and extracts; no advertisements', async () => {
  const body = page(
    result('Shop', '//duckduckgo.com/y.js?ad_domain=shop.example', 'buy', 'result--ad'),
    result(
      'A <b>title</b> &amp; more',
      wrapped('https://one.example/x?a=1&b=2'),
      'An <b>extract</b>\n of it',
    ),
    result('Script', wrapped('javascript:alert(1)'), 'x'),
    result('Plain', 'https://two.example/', ''),
  );
  await using proxy = await fakeProxy({ reply: () => ({ body }) });
  const found = await runTool(createWebSearch(proxy.send), { query: ' a & b ' });
  assert.deepEqual(found, {
    outcome: 'ok',
    output:
      '1. A title & more\nhttps://one.example/x?a=1&b=2\nAn extract of it\n\n2. Plain\nhttps://two.example/',
  });
  const [seen] = proxy.seen;
  assert.deepEqual(
    [seen?.method, seen?.connect, seen?.target, seen?.body],
    ['POST', 'html.duckduckgo.com:443', '/html/', 'q=a+%26+b'],
  );
});

test('at most as many as asked for, ten at most; nothing found is said', async () => {
  const many = Array.from({ length: 30 }, (_, at) =>
    result(`T${at}`, wrapped(`https://r${at}.example/`), 's'),
  );
  const replies: OutsideReply[] = [{ body: page(...many) }, { body: page(...many) }, { body: page() }];
  await using proxy = await fakeProxy({ reply: () => replies.shift() ?? {} });
  const tool = createWebSearch(proxy.send);
  const shown = async (input: object) => (await runTool(tool, input)).output.match(/^\d+\. /gm)?.length;
  assert.equal(await shown({ query: 'x' }), 10);
  assert.equal(await shown({ query: 'x', count: 3 }), 3);
  assert.deepEqual(await runTool(tool, { query: 'x' }), { outcome: 'ok', output: 'nothing was found' });
  for (const input of [{}, { query: ' ' }, { query: 'x'.repeat(401) }, { query: 'x', count: 11 }])
    assert.match((await runTool(tool, input)).output, /wrong arguments/);
});

test('a puzzle for people and an error are no results', async () => {
  const replies = [{ status: 202, body: 'anomaly' }, { status: 500 }];
  await using proxy = await fakeProxy({ reply: () => replies.shift() ?? {} });
  const tool = createWebSearch(proxy.send);
  assert.match((await runTool(tool, { query: 'x' })).output, /asks for a person/);
  assert.match((await runTool(tool, { query: 'x' })).output, /answered 500/);
});

test('a page of any length and depth is read to a bound', async () => {
  await using proxy = await fakeProxy({
    reply: () => ({ body: '<p class="result">'.repeat(200_000) }),
  });
  assert.equal((await runTool(createWebSearch(proxy.send), { query: 'x' })).output, 'nothing was found');
});
