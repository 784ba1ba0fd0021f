import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { guardRequest } from '../endpoint/guard-request.ts';
import { NO_CHROMIUM, type Site, startBrowser } from './test/browser-rig.ts';
import { HOSTILE_WORKER, hostilePage, loopbackUrls } from './test/hostile-page.ts';

/** Chromium as it is by itself: what is said of proxies holds for everything but loopback. */
const CARELESS = `#!/bin/bash
kept=()
for one in "$@"; do case "$one" in --proxy-bypass-list=*|--host-resolver-rules=*) ;; *) kept+=("$one") ;; esac; done
exec /usr/lib/chromium/chromium "\${kept[@]}"
`;

describe('a hostile page in the browser', { skip: NO_CHROMIUM, concurrency: 1 }, () => {
  let directory: string;
  let helper: Server;
  let port = 0;
  let connections = 0;
  let requests = 0;
  const passed: string[] = [];

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'ol-careless-'));
    writeFileSync(join(directory, 'chromium'), CARELESS, { mode: 0o755 });
    const judge = ({ method, url, headers }: import('node:http').IncomingMessage) => {
      requests += 1;
      if (guardRequest(headers, port) === null) passed.push(`${method} ${url} ${JSON.stringify(headers)}`);
    };
    helper = createServer((request, response) => {
      judge(request);
      response.writeHead(403).end();
    });
    helper.on('upgrade', (request, socket) => {
      judge(request);
      socket.destroy();
    });
    helper.on('connection', () => {
      connections += 1;
    });
    helper.listen(0, '127.0.0.1');
    await once(helper, 'listening');
    port = (helper.address() as AddressInfo).port;
  });
  after(() => {
    helper?.closeAllConnections();
    helper?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const site: Site = (request, response) => {
    const { url = '' } = request;
    if (url.startsWith('/redirect?'))
      return void response.writeHead(307, { location: decodeURIComponent(url.slice(10)) }).end();
    const worker = url === '/hostile-worker.js';
    response.setHeader('content-type', worker ? 'text/javascript' : 'text/html');
    response.end(worker ? HOSTILE_WORKER : hostilePage(loopbackUrls(port)));
  };
  const attack = async (executable?: string): Promise<string[]> => {
    await using rig = await startBrowser(site, {}, executable === undefined ? {} : { executable });
    const gone = await rig.call('navigate', { url: 'http://site.test/' });
    assert.equal(gone.outcome, 'ok', gone.output);
    const tried = await rig.call('wait', { text: 'all tried', seconds: 30 });
    assert.equal(tried.outcome, 'ok', tried.output);
    return rig.asked;
  };

  test('everything it sends to loopback goes by the proxy, where it is refused', {
    timeout: 60_000,
  }, async () => {
    const asked = await attack();
    const loopback = asked.filter((line) => line.includes(`:${port}`));
    assert.ok(loopback.length > 50, `${loopback.length} tries`);
    assert.ok(loopback.some((line) => line.startsWith('CONNECT 127.0.0.1')));
    assert.equal(connections, 0);
  });

  test('a browser that is not told so reaches the helpers, which refuse all of it', {
    timeout: 60_000,
  }, async () => {
    await attack(join(directory, 'chromium'));
    assert.ok(requests > 20, `${requests} requests`);
    assert.deepEqual(passed, []);
  });
});
