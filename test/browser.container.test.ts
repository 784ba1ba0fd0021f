import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { BrowserFrame } from '@openlegion/contract/browser-view';
import { dataPaths } from '@openlegion/contract/installation';
import { z } from 'zod';
import {
  HOSTILE_WORKER,
  hostilePage,
  loopbackUrls,
} from '../packages/agent/src/browser/test/hostile-page.ts';
import { certify, TEST_ROOT_PEM } from '../packages/vault/src/gateway/egress/test/start-egress.ts';
import { startInstallation, type TestInstallation } from './harness/installation.ts';
import { startWireProvider, type WireProvider } from './harness/wire-provider.ts';

/*
 * Chromium in an agent's container: a site with a login, a download and a canvas, through a real vault; a page that
 * attacks what listens beside the browser; a person who watches and takes over.
 */

/** A port in the container on which everything that arrives is written down. */
const LISTENER = 9911;
const SITE = 'https://site.example.test';
const SCRIPT = JSON.stringify({
  rules: [
    ...[
      ['/^go (.+)$/', 'navigate', { url: '{{1}}' }],
      ['/^snapshot$/', 'snapshot', {}],
      ['/^screenshot$/', 'screenshot', {}],
      ['/^click (.+)$/', 'click', { ref: '{{1}}' }],
      ['/^type (\\S+) (.+)$/', 'type', { ref: '{{1}}', text: '{{2}}' }],
      ['/^download (.+)$/', 'download', { ref: '{{1}}' }],
      ['/^upload (\\S+) (.+)$/', 'upload', { ref: '{{1}}', paths: ['{{2}}'] }],
      ['/^eval (.+)$/s', 'evaluate', { expression: '{{1}}' }],
      ['/^wait (.+)$/', 'wait', { text: '{{1}}' }],
      ['/^reset$/', 'reset', {}],
    ].map(([user, tool, input]) => ({
      when: { user, round: 0 },
      answer: { calls: [{ tool: `browser_${tool}`, arguments: input }] },
    })),
    {
      when: { user: '/^run (.+)$/s', round: 0 },
      answer: { calls: [{ tool: 'exec', arguments: { command: '{{1}}' } }] },
    },
    { when: { round: 1 }, answer: { text: '{{result}}' } },
  ],
  otherwise: { text: 'no such call' },
});

describe('a browser in a container', { timeout: 600_000 }, () => {
  let installation: TestInstallation;
  let server: Server;
  let directory: string;
  let remote: RemoteBrowser;
  let eyes: WireProvider;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'openlegion-browser-'));
    server = createServer({ SNICallback: (name, done) => done(null, createSecureContext(certify(name))) });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      serveSite(request, response);
    });
    remote = await startRemoteBrowser(directory);
    eyes = await startWireProvider(SCRIPT);
    server.on('upgrade', (request, socket, head) => remote.take(request, socket, head));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    writeFileSync(join(directory, 'roots.pem'), TEST_ROOT_PEM);
    const browser = {
      allowed_apis: ['llm'],
      allowed_tools: { '*': 'allow' },
      allowed_domains: ['site.example.test'],
      can_use_browser: true,
    };
    installation = await startInstallation({
      agents: [
        'agents:',
        '  surfer: {}',
        '  keeper: { browser_backend: persistent }',
        '  sly: { browser_backend: stealth }',
        '  reader: {}',
        `  far: { browser_backend: advanced, browser_endpoint: "wss://remote.example.test${remote.path}" }`,
        '  nowhere: { browser_backend: advanced }',
        '  plain: {}',
        '  seer: { model: own-anthropic/m }',
        '',
      ].join('\n'),
      mesh: [
        'llm:',
        '  default_model: scripted/assistant',
        '  providers:',
        eyes.configure(['anthropic']).trimEnd(),
        'egress:',
        `  extra_roots: ${join(directory, 'roots.pem')}`,
        '  hosts:',
        `    site.example.test: { address: 127.0.0.1, port: ${port} }`,
        `    remote.example.test: { address: 127.0.0.1, port: ${port} }`,
        '',
      ].join('\n'),
      permissions: {
        permissions: {
          surfer: { ...browser, browser_actions: ['*'] },
          keeper: { ...browser, browser_actions: ['*'] },
          sly: { ...browser, browser_actions: ['*'] },
          seer: { ...browser, browser_actions: ['*'] },
          far: { ...browser, allowed_domains: ['remote.example.test'], browser_actions: ['*'] },
          nowhere: { ...browser, browser_actions: ['*'] },
          reader: { ...browser, browser_actions: ['navigate', 'snapshot'] },
          plain: { ...browser, can_use_browser: false, browser_actions: ['*'] },
        },
      },
      scripts: { assistant: SCRIPT },
    });
  });
  after(async () => {
    await installation?.[Symbol.asyncDispose]();
    server?.closeAllConnections();
    server?.close();
    remote?.end();
    await eyes?.[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  const ask = async (text: string, agent = 'surfer'): Promise<string> => {
    const { view } = await installation.control.ask(agent, text);
    assert.equal(view.refusal, null, JSON.stringify(view.refusal) + installation.log('host').slice(-3000));
    return view.reply ?? '';
  };
  const refIn = (tree: string, what: string): string => {
    const ref = new RegExp(`${what}.*?\\[ref=(\\w+)\\]`).exec(tree)?.[1];
    assert.ok(ref, `no ${what} in ${tree}`);
    return ref;
  };
  const containerOf = async (agent: string): Promise<string> => {
    const { agents } = await installation.control.status();
    return agents.find(({ name }) => name === agent)?.containerId ?? '';
  };

  test('logs in, downloads, reads a canvas', async () => {
    assert.match(await ask(`go ${SITE}/`), /^HTTP 200\npage: Login <https:\/\/site\.example\.test\/>/);
    const login = await ask('snapshot');
    await ask(`type ${refIn(login, 'textbox "Name"')} ann`);
    await ask(`type ${refIn(login, 'textbox "Password"')} open`);
    assert.match(await ask(`click ${refIn(login, 'button "Enter"')}`), /clicked/);
    await ask('wait Welcome ann');
    const inside = await ask('snapshot');
    const saved = await ask(`download ${refIn(inside, 'link "Report"')}`);
    assert.match(saved, /^downloaded downloads\/report\.csv \(8 bytes\)/);
    assert.equal(await ask('run cat downloads/report.csv'), 'ann,1,2\n[exit code 0]');
    await ask(`go ${SITE}/canvas`);
    const shot = await ask('screenshot');
    const path = /wrote (\S+\.jpg)/.exec(shot)?.[1] ?? '';
    assert.match(await ask(`run head -c 3 ${path} | od -An -tx1`), /ff d8 ff/);
    assert.match(await ask('eval document.querySelector("canvas").toDataURL().length > 500'), /^true/);
  });

  test('a model that can see is shown the picture; another is told so', async () => {
    assert.match(await ask('screenshot'), /the picture is not shown: scripted\/assistant takes none/);
    await ask(`go ${SITE}/canvas`, 'seer');
    const shot = await ask('screenshot', 'seer');
    assert.doesNotMatch(shot, /not shown/);
    const path = /wrote (\S+\.jpg)/.exec(shot)?.[1] ?? '';
    const data = /"media_type":"image\/jpeg","data":"([^"]+)"/.exec(eyes.bodies.at(-1) ?? '')?.[1] ?? '';
    const stored = await ask(`run sha256sum ${path} | cut -d' ' -f1`, 'seer');
    assert.ok(stored.startsWith(createHash('sha256').update(data, 'base64').digest('hex')), stored);
  });

  test('what is not granted: a domain, an action, a browser', async () => {
    assert.match(await ask('go https://other.example.test/'), /ERR_TUNNEL_CONNECTION_FAILED/);
    assert.match(await ask(`click e1`, 'reader'), /not given to this agent/);
    assert.match(await ask(`go ${SITE}/`, 'reader'), /HTTP 200/);
    assert.match(await ask(`go ${SITE}/`, 'plain'), /no tool browser_navigate|not given/);
    assert.match(await ask('run ls /usr/lib/chromium 2>&1 | head -1', 'plain'), /No such file/);
  });

  test('a hostile page reaches nothing that listens in the container', async () => {
    const listener = [
      'import socket',
      `server = socket.create_server(("127.0.0.1", ${LISTENER}))`,
      'while True:',
      '  peer = server.accept()[0]',
      '  open("/data/heard", "ab").write(peer.recv(999))',
      '  peer.close()',
    ].join('\n');
    const encoded = Buffer.from(listener).toString('base64');
    await ask(
      `run (setsid python3 -c "import base64; exec(base64.b64decode('${encoded}'))" </dev/null >/dev/null 2>&1 &); sleep 2; curl -s --noproxy '*' http://127.0.0.1:${LISTENER}/ours; true`,
    );
    assert.match(await ask('run cat /data/heard'), /GET \/ours/);
    await ask(`go ${SITE}/hostile`);
    await ask('wait all tried');
    assert.match(await ask('snapshot'), /all tried/);
    assert.doesNotMatch(await ask('run cat /data/heard'), /completions/);
    const records = z
      .object({ records: z.array(z.object({ type: z.string(), subject: z.string(), decision: z.string() })) })
      .parse(
        (await installation.control.call('GET', '/api/audit?chain=keeper&after=0&limit=1000')).json(),
      ).records;
    const loopback = records.filter(({ subject }) => /127\.0\.0\.1|localhost/.test(subject));
    assert.ok(loopback.length > 0);
    assert.deepEqual(
      loopback.filter(({ decision }) => decision !== 'denied'),
      [],
    );
  });

  test('Chromium that is killed is back; a profile is kept where that is asked for', async () => {
    await ask(`go ${SITE}/`);
    // There is no ps in the image.
    const kill =
      'import os, glob\nfor path in glob.glob("/proc/[0-9]*/cmdline"):\n  try:\n    if b"chromium/chromium" in open(path, "rb").read():\n      os.kill(int(path.split("/")[2]), 9)\n      print("killed")\n  except OSError:\n    pass';
    const encoded = Buffer.from(kill).toString('base64');
    const killed = await ask(
      `run python3 -c "import base64; exec(base64.b64decode('${encoded}'))" 2>&1 | head -1`,
    );
    assert.match(killed, /^killed/);
    assert.match(await ask('snapshot'), /Welcome ann|Login|ended/);
    assert.match(await ask('snapshot'), /Login|Welcome/);
    for (const agent of ['keeper', 'sly']) {
      await ask(`go ${SITE}/`, agent);
      await ask('eval document.cookie = "kept=1; max-age=99999"', agent);
      await ask('reset', agent);
      await ask(`go ${SITE}/`, agent);
      const kept = await ask('eval document.cookie.includes("kept")', agent);
      assert.match(kept, agent === 'keeper' ? /^true/ : /^false/, agent);
    }
    assert.match(await ask('eval navigator.webdriver + navigator.userAgent', 'sly'), /^"false(?!.*Headless)/);
  });

  test('a person watches and takes over, and the agent waits meanwhile', async () => {
    await ask(`go ${SITE}/`);
    const token = dataPaths(installation.home).controlToken;
    const { readFileSync } = await import('node:fs');
    const stop = new AbortController();
    const answer = await fetch(
      `http://127.0.0.1:${installation.control.port}/api/agents/surfer/browser/frames`,
      { headers: { authorization: `Bearer ${readFileSync(token, 'utf8').trim()}` }, signal: stop.signal },
    );
    assert.equal(answer.status, 200, await (answer.status === 200 ? '' : answer.text()));
    const frames = framesOf(answer);
    const first = (await frames.next()).value;
    assert.equal(first?.url, `${SITE}/`);
    const input = (...events: object[]) =>
      installation.control.call('POST', '/api/agents/surfer/browser/input', { events });
    assert.equal(
      (await input({ type: 'hold', on: true }, { type: 'navigate', url: `${SITE}/canvas` })).status,
      204,
    );
    const held = ask('snapshot');
    for (let frame = first; !(frame?.held && frame.url.endsWith('/canvas')); )
      frame = (await frames.next()).value;
    assert.equal((await input({ type: 'hold', on: false })).status, 204);
    assert.match(await held, /<https:\/\/site\.example\.test\/canvas>/);
    for (const bad of [
      { type: 'navigate', url: 'file:///etc/passwd' },
      { type: 'key', event: 'down', key: 'Nonsense' },
    ])
      assert.equal((await input(bad)).status, 400);
    const denied = await installation.control.call('GET', '/api/agents/plain/browser/frames');
    assert.equal(denied.status, 403);
    stop.abort();
  });

  test('a browser elsewhere is used through the way out, and refused where none is named', async () => {
    assert.match(await ask('go about:blank', 'nowhere'), /no browser_endpoint/);
    assert.match(await ask('go data:text/html,x', 'far'), /wrong arguments/);
    assert.match(await ask('go about:blank', 'far'), /^done/);
    assert.match(await ask('eval document.title = "far away"', 'far'), /page: far away <about:blank>/);
    remote.cut();
    const after = await ask('eval 1 + 1', 'far');
    assert.match(after, /^2|ended in the middle/);
    assert.match(await ask('eval 1 + 1', 'far'), /^2/);
  });

  test('the whole agent with Chromium at work is within its memory', async (context) => {
    await ask('reset');
    const { events } = await installation.control.ask('surfer', `go ${SITE}/heavy`);
    const [started] = events.flatMap(({ event }) =>
      event.type === 'turn' && event.turn.type === 'tool_ended' ? [event.turn.durationMs] : [],
    );
    context.diagnostic(`Chromium started and a page loaded in ${Math.round(started ?? 0)} ms`);
    await ask('screenshot');
    const id = await containerOf('surfer');
    const stats = execFileSync('docker', ['stats', '--no-stream', '--format', '{{.MemUsage}} {{.PIDs}}', id]);
    context.diagnostic(`memory and processes: ${stats.toString().trim()}`);
    assert.match(await ask('snapshot'), /heavy/);
  });
});

interface RemoteBrowser {
  /** Of its DevTools address. */
  path: string;
  take(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Cuts every connection to it. */
  cut(): void;
  end(): void;
}

/** Chromium on this machine, as a service for browsers elsewhere would run it. */
async function startRemoteBrowser(directory: string): Promise<RemoteBrowser> {
  const child = spawn(
    '/usr/lib/chromium/chromium',
    ['--headless', '--no-sandbox', '--remote-debugging-port=0', `--user-data-dir=${directory}/remote`],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { HOME: directory, PATH: '/usr/bin:/bin' } },
  );
  const sockets = new Set<Duplex>();
  let text = '';
  for await (const chunk of child.stderr) {
    text += String(chunk);
    const [, port, path] = /DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)(\S+)/.exec(text) ?? [];
    if (port === undefined || path === undefined) continue;
    return {
      path,
      take(request, socket, head) {
        const browser = createConnection(Number(port), '127.0.0.1');
        const headers = Object.entries({ ...request.headers, host: `127.0.0.1:${port}` });
        browser.write(
          `GET ${request.url} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
        );
        browser.write(head);
        for (const one of [socket, browser]) {
          sockets.add(one);
          one.on('error', () => {});
          one.on('close', () => (one === socket ? browser : socket).destroy());
        }
        browser.pipe(socket);
        socket.pipe(browser);
      },
      cut: () => sockets.forEach((socket) => void socket.destroy()),
      end: () => void child.kill('SIGKILL'),
    };
  }
  throw new Error(`no remote browser: ${text.slice(-500)}`);
}

async function* framesOf(answer: Response): AsyncGenerator<BrowserFrame> {
  let text = '';
  for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield BrowserFrame.parse(JSON.parse(line));
  }
}

function serveSite(request: IncomingMessage, response: ServerResponse): void {
  const { method, url = '', headers } = request;
  const ann = headers.cookie?.includes('session=ann') ?? false;
  response.setHeader('content-type', 'text/html');
  if (method === 'POST' && url === '/login') {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      if (body !== 'name=ann&password=open') return response.writeHead(403).end('wrong');
      return response.writeHead(303, { location: '/', 'set-cookie': 'session=ann; Secure; HttpOnly' }).end();
    });
  } else if (url === '/report') {
    if (!ann) return void response.writeHead(403).end();
    response.setHeader('content-disposition', 'attachment; filename=report.csv').end('ann,1,2\n');
  } else if (url === '/canvas') {
    response.end(
      '<title>Canvas</title><canvas width=300 height=200></canvas><script>const c = document.querySelector("canvas").getContext("2d"); c.font = "40px sans-serif"; c.fillText("drawn", 20, 80); c.fillRect(100, 100, 50, 50)</script>',
    );
  } else if (url === '/heavy') {
    response.end(
      `<title>Heavy</title><h1>heavy</h1>${'<div style="will-change:transform"><p>text of a long page</p><svg width=40 height=40><circle r=20 cx=20 cy=20></svg></div>'.repeat(3000)}<script>globalThis.kept = Array.from({ length: 200 }, () => new Array(20000).fill(Math.random()))</script>`,
    );
  } else if (url === '/hostile') response.end(hostilePage([8400, 3128, LISTENER].flatMap(loopbackUrls)));
  else if (url === '/hostile-worker.js')
    response.setHeader('content-type', 'text/javascript').end(HOSTILE_WORKER);
  else if (url.startsWith('/redirect?'))
    response.writeHead(307, { location: decodeURIComponent(url.slice(10)) }).end();
  else if (ann) response.end('<title>In</title><h1>Welcome ann</h1><a href="/report">Report</a>');
  else
    response.end(
      '<title>Login</title><form method="post" action="/login"><input name="name" aria-label="Name"><input name="password" type="password" aria-label="Password"><button>Enter</button></form>',
    );
}
