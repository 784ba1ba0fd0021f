import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { type BrowserRig, NO_CHROMIUM, type Site, startBrowser } from './test/browser-rig.ts';

const PAGES: Record<string, string> = {
  '/': '<title>Home</title><h1>Hello</h1><a href="/file" download>Report</a><form action="/in" method="post"><input name="user" aria-label="User"><input type="file" aria-label="File" onchange="this.files[0].text().then(t => document.title = this.files[0].name + t)"><button>Go</button></form>',
  '/canvas':
    '<canvas id="c" width="200" height="200" style="position:absolute;left:0;top:0" onclick="document.title = event.clientX + `,` + event.clientY"></canvas><script>c.getContext("2d").fillRect(0, 0, 50, 50)</script>',
  '/long': `<ul>${'<li>an item of a long list</li>'.repeat(3000)}</ul>`,
  '/dialog': '<button onclick="document.title = confirm(`Delete all?`) ? `yes` : `no`">Ask</button>',
  '/popup': '<a href="/canvas" target="_blank">Open</a>',
};
const hanging = Promise.withResolvers<void>();
const site: Site = (request, response) => {
  const { method, url = '' } = request;
  if (url === '/hanging') hanging.resolve();
  if (url === '/file')
    return void response
      .setHeader('content-disposition', 'attachment; filename="../../.ssh/report.csv"')
      .end('a,b\n');
  if (method === 'POST') {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    return void request.on('end', () => {
      response
        .setHeader('content-type', 'text/html')
        .end(`<title>In</title>${body.split('\r\n\r\n')[1] ?? body}`);
    });
  }
  response.setHeader('content-type', 'text/html').end(PAGES[url.split('?')[0] ?? ''] ?? 'nothing here');
};

async function open(rig: BrowserRig, path: string): Promise<string> {
  const gone = await rig.call('navigate', { url: `http://site.test${path}` });
  assert.equal(gone.outcome, 'ok', gone.output);
  return (await rig.call('snapshot')).output;
}
const refOf = (tree: string, of: RegExp): string =>
  new RegExp(`${of.source}.*\\[ref=(\\w+)\\]`).exec(tree)?.[1] ?? `no ${of.source} in ${tree}`;

describe('browser tools', { skip: NO_CHROMIUM, concurrency: 1 }, () => {
  test('a page is seen as elements with refs, and used by them', { timeout: 60_000 }, async () => {
    await using rig = await startBrowser(site);
    const tree = await open(rig, '/');
    assert.match(tree, /heading "Hello"[\s\S]*page: Home <http:\/\/site\.test\/>/);
    const typed = await rig.call('type', { ref: refOf(tree, /textbox "User"/), text: 'ann' });
    assert.equal(typed.outcome, 'ok', typed.output);
    const clicked = await rig.call('click', { ref: refOf(tree, /button "Go"/) });
    assert.equal(clicked.outcome, 'ok', clicked.output);
    assert.equal((await rig.call('wait', { text: 'user=ann' })).outcome, 'ok');
    const stale = await rig.call('click', { ref: 'e999' });
    assert.equal(stale.outcome, 'error');
    assert.match(stale.output, /e999/);

    const long = await open(rig, '/long');
    const at = /characters more: offset (\d+)/.exec(long)?.[1];
    assert.ok(long.length < 26_000 && at);
    assert.match((await rig.call('snapshot', { offset: Number(at) })).output, /listitem/);

    assert.ok(!(await open(rig, '/canvas')).includes('[ref='));
    const clickedAt = await rig.call('click', { x: 30, y: 40 });
    assert.match(clickedAt.output, /page: 30,40 /);
    const picture = await rig.call('screenshot');
    const path = /wrote (\S+)/.exec(picture.output)?.[1] ?? '';
    const stored = readFileSync(`${rig.workspace}/${path}`);
    assert.equal(stored.subarray(0, 3).toString('hex'), 'ffd8ff');
    assert.match(picture.output, /\(image\/jpeg, [1-9]\d+×[1-9]\d+ pixels, \d+ bytes\)\npage: /);
    assert.deepEqual(picture.picture, { mediaType: 'image/jpeg', bytes: stored });
    const value = await rig.call('evaluate', { expression: '({a: [1, document.title]})' });
    assert.match(value.output, /^\{"a":\[1,"30,40"\]\}\n/);

    const dialog = await open(rig, '/dialog');
    const asked = await rig.call('click', { ref: refOf(dialog, /button "Ask"/) });
    assert.match(asked.output, /page: no [\s\S]*note: a dialog \(confirm\) was dismissed: Delete all\?/);

    const popup = await open(rig, '/popup');
    await rig.call('click', { ref: refOf(popup, /link "Open"/) });
    let tabs = await rig.call('tabs');
    while (!tabs.output.includes('\n1: <')) {
      assert.equal((await rig.call('wait', { seconds: 0.1 })).outcome, 'ok');
      tabs = await rig.call('tabs');
    }
    assert.match(tabs.output, /0: <http:\/\/site\.test\/popup>\n1: </);
    assert.match((await rig.call('tabs', { action: 'select', index: 0 })).output, /page: .*\/popup>/);
    assert.match((await rig.call('tabs', { action: 'close', index: 1 })).output, /^0: <[^>]*>\npage/);
    assert.equal((await rig.call('tabs', { action: 'select', index: 7 })).outcome, 'error');
  });

  test('downloads go into the workspace under plain names, uploads come from it alone', async () => {
    await using rig = await startBrowser(site);
    const tree = await open(rig, '/');
    for (const name of ['_.._.ssh_report.csv', '_.._.ssh_report-2.csv']) {
      const saved = await rig.call('download', { ref: refOf(tree, /link "Report"/) });
      assert.match(saved.output, new RegExp(`^downloaded downloads/${name} \\(4 bytes\\)`));
      assert.equal(readFileSync(`${rig.workspace}/downloads/${name}`, 'utf8'), 'a,b\n');
    }
    const byUrl = await rig.call('download', { url: 'http://site.test/file' });
    assert.match(byUrl.output, /^downloaded downloads\/_\.\._\.ssh_report-3\.csv/);
    const page = await rig.call('download', { url: 'http://site.test/long' });
    assert.match(page.output, /offers no download/);

    const again = await open(rig, '/');
    const field = refOf(again, /button "File"/);
    mkdirSync(rig.workspace, { recursive: true });
    writeFileSync(`${rig.workspace}/note.txt`, 'content');
    writeFileSync(`${rig.directory}/outside.txt`, 'outside');
    symlinkSync(`${rig.directory}/outside.txt`, `${rig.workspace}/link.txt`);
    for (const path of ['../outside.txt', '/etc/passwd', 'link.txt', 'missing.txt'])
      assert.notEqual((await rig.call('upload', { ref: field, paths: [path] })).outcome, 'ok', path);
    const given = await rig.call('upload', { ref: field, paths: ['note.txt'] });
    assert.equal(given.outcome, 'ok', given.output);
    assert.match((await rig.call('wait', { seconds: 0.3 })).output, /page: note\.txtcontent/);
  });

  test('only web pages can be gone to', async () => {
    await using rig = await startBrowser(site);
    for (const url of [
      'file:///etc/passwd',
      'chrome://settings',
      'javascript:alert(1)',
      'view-source:http://site.test/',
      'data:text/html,x',
      'ftp://site.test/',
    ])
      assert.match((await rig.call('navigate', { url })).output, /wrong arguments/, url);
    assert.deepEqual(rig.pids(), []);
  });

  test('a browser that was killed is started again where it was; a page that hangs is closed', async () => {
    await using rig = await startBrowser(site);
    const tree = await open(rig, '/');
    const [pid = 0] = rig.pids();
    process.kill(pid, 'SIGKILL');
    const after = await rig.call('click', { ref: refOf(tree, /button "Go"/) });
    // Between two calls or in the middle of one, which of the two is up to the kernel.
    if (after.outcome === 'error')
      assert.match(after.output, /ended in the middle|started anew|ref|Try again/);
    const snapshot = await rig.call('snapshot');
    assert.match(snapshot.output, /heading "Hello"/);
    assert.match(
      after.output + snapshot.output,
      /started anew; tabs are gone\. It was at http:\/\/site\.test\//,
    );

    const waiting = rig.call('wait', { text: 'never there', seconds: 20 });
    process.kill(rig.pids()[0] ?? 0, 'SIGKILL');
    assert.match((await waiting).output, /ended in the middle of this/);

    await open(rig, '/');
    const stop = new AbortController();
    const hang =
      '(() => { const x = new XMLHttpRequest(); x.open("GET", "/hanging", false); x.send(); for (;;); })()';
    const stuck = rig.call('evaluate', { expression: hang }, stop.signal);
    await hanging.promise;
    stop.abort(new Error('cancelled'));
    assert.match((await stuck).output, /cancelled\nnote: the page no longer answered and was closed/);
    assert.match(await open(rig, '/'), /heading "Hello"/);
  });

  test('a profile is kept by the backend persistent alone, and stealth looks like a person’s', async () => {
    const setting: Site = (_request, response) =>
      void response.setHeader('content-type', 'text/html').end('<title>x</title>');
    const script = 'document.cookie';
    for (const [backend, expected] of [
      ['basic', '""'],
      ['persistent', '"kept=1"'],
    ] as const) {
      await using rig = await startBrowser(setting, { backend });
      await rig.call('navigate', { url: 'http://site.test/' });
      await rig.call('evaluate', { expression: 'document.cookie = "kept=1; max-age=9999"' });
      await rig.call('reset');
      assert.deepEqual(rig.pids(), []);
      await rig.call('navigate', { url: 'http://site.test/' });
      const { output } = await rig.call('evaluate', { expression: script });
      assert.equal(output.split('\n')[0], expected, backend);
    }
    await using stealth = await startBrowser(setting, { backend: 'stealth' });
    await stealth.call('navigate', { url: 'http://site.test/' });
    const { output } = await stealth.call('evaluate', {
      expression: 'navigator.webdriver + " " + navigator.userAgent',
    });
    assert.match(output, /^"false .*Chrome\/\d/);
    assert.ok(!output.includes('Headless'), output);
  });

  test('of a host that the way out refuses it is said that a person can be asked for it', async () => {
    await using rig = await startBrowser(site);
    const { outcome, output } = await rig.call('navigate', { url: 'https://refused.test/' });
    assert.equal(outcome, 'error');
    assert.match(output, /ERR_TUNNEL_CONNECTION_FAILED[\s\S]*allowed_domains[\s\S]*request_host/);
  });

  test('the backend advanced is refused without an endpoint', async () => {
    await using rig = await startBrowser(site, { backend: 'advanced' });
    const refused = await rig.call('navigate', { url: 'http://site.test/' });
    assert.equal(refused.outcome, 'refused');
    assert.match(refused.output, /browser_endpoint/);
    assert.ok(!existsSync(`${rig.directory}/browser/profile-once`));
  });
});
