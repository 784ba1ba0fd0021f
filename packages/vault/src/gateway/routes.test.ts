import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { EgressSettings } from '@openlegion/contract/gateway-protocol';
import type { Caller } from './read-caller.ts';
import { createFakeKeeper } from './test/fake-keeper.ts';
import { startGateway } from './test/start-gateway.ts';
import { LOCALHOST } from './test/tls-certificates.ts';

const SETTINGS: EgressSettings = {
  extraRootsPem: null,
  hosts: [{ host: 'git.example', address: '10.0.0.7', port: 8443 }],
  requestsPerMinute: 600,
  bytesPerMinute: 300_000_000,
  connections: 32,
};

test('settings of the way out are checked, then handed on; roots that are none are refused', async () => {
  const configured: EgressSettings[] = [];
  const egress = { configure: (settings: EgressSettings) => void configured.push(settings) };
  await using gateway = await startGateway({ keeper: createFakeKeeper(), catalog: [], egress });
  const put = async (settings: object) => (await gateway.call('/egress', settings, { method: 'PUT' })).status;
  assert.equal(await put(SETTINGS), 204);
  assert.equal(await put({ ...SETTINGS, extraRootsPem: LOCALHOST.cert }), 204);
  const wrong = [
    { ...SETTINGS, extraRootsPem: 'not a certificate' },
    { ...SETTINGS, extraRootsPem: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' },
    { ...SETTINGS, hosts: [{ host: 'Git.example', address: '10.0.0.7', port: null }] },
    { ...SETTINGS, hosts: [{ host: 'git.example', address: 'example.com', port: null }] },
    { ...SETTINGS, connections: 49 },
    { ...SETTINGS, requestsPerMinute: 0 },
    { ...SETTINGS, more: 1 },
    {},
  ];
  for (const settings of wrong) assert.equal(await put(settings), 400, JSON.stringify(settings));
  assert.deepEqual(configured, [SETTINGS, { ...SETTINGS, extraRootsPem: LOCALHOST.cert }]);
});

test("an agent's authority is told by name, and nothing else is a name", async () => {
  const egress = { certificateOf: (agent: string) => Promise.resolve(`PEM of ${agent}`) };
  await using gateway = await startGateway({ keeper: createFakeKeeper(), catalog: [], egress });
  const get = (path: string) => gateway.call(path, undefined, { method: 'GET' });
  assert.deepEqual(JSON.parse((await get('/authority/researcher')).text), {
    certificatePem: 'PEM of researcher',
  });
  for (const path of ['/authority/', '/authority/A', '/authority/a/b', '/authority/..', '/authority/a?x'])
    assert.equal((await get(path)).status, 404, path);
});

test('a service is asked in the name that the host sets, and never without', async () => {
  const callers: Caller[] = [];
  await using gateway = await startGateway({
    keeper: createFakeKeeper(),
    catalog: [],
    egress: {
      service(_request, response, caller) {
        callers.push(caller);
        response.end('served');
        return Promise.resolve();
      },
    },
  });
  assert.equal((await gateway.call('/services/github/user', undefined, { method: 'GET' })).text, 'served');
  const headers = { 'x-openlegion-agent': 'Not A Name' };
  assert.equal((await gateway.call('/services/github/user', {}, { headers })).status, 401);
  assert.deepEqual(callers, [{ agent: 'researcher', traceId: 'trace-1' }]);
});

const CONNECT = (target: string, headers: string) =>
  `CONNECT ${target} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
const WHO = 'X-OpenLegion-Agent: researcher\r\nX-OpenLegion-Trace: t\r\n';

test('CONNECT egress hands the connection over with what came early; any other CONNECT is refused', async () => {
  const taken: [Caller, string][] = [];
  await using gateway = await startGateway({
    keeper: createFakeKeeper(),
    catalog: [],
    egress: {
      connect(socket, caller, head) {
        taken.push([caller, head.toString()]);
        socket.end('from the proxy');
      },
    },
  });
  async function say(text: string): Promise<string> {
    const socket = connect(gateway.socketPath);
    let heard = '';
    socket.setEncoding('latin1').on('data', (chunk) => {
      heard += chunk;
    });
    socket.on('error', () => {});
    socket.write(text);
    await once(socket, 'close');
    return heard;
  }
  const heard = await say(`${CONNECT('egress', WHO)}GET http://a/ HTTP/1.1\r\n`);
  assert.equal(heard, 'HTTP/1.1 200 OK\r\n\r\nfrom the proxy');
  assert.deepEqual(taken, [[{ agent: 'researcher', traceId: 't' }, 'GET http://a/ HTTP/1.1\r\n']]);
  assert.match(await say(CONNECT('egress', '')), /^HTTP\/1\.1 401 /);
  for (const target of ['127.0.0.1:443', 'egress:443', 'EGRESS', 'api.github.com:443'])
    assert.match(await say(CONNECT(target, WHO)), /^HTTP\/1\.1 404 /, target);
  assert.equal(taken.length, 1);
  assert.deepEqual(gateway.faults, []);
});
