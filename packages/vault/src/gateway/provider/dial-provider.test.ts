import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createFakeKeeper } from '../test/fake-keeper.ts';
import { startGateway, testProvider } from '../test/start-gateway.ts';
import { LOCALHOST, OTHER_NAME } from '../test/tls-certificates.ts';
import { ANSWERS } from '../test/wire-shapes.ts';

const CHAT = ANSWERS['openai-chat'];

async function callOverTls(options: ServerOptions, extraRootsPem?: string) {
  let requests = 0;
  const server = createServer(options, (request, response) => {
    requests += 1;
    request.resume();
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(CHAT.whole));
  });
  server.on('tlsClientError', () => {});
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const keeper = createFakeKeeper();
  await using gateway = await startGateway({
    keeper,
    catalog: [testProvider('openai-chat', `https://localhost:${port}`)],
    ...(extraRootsPem === undefined ? {} : { extraRootsPem }),
  });
  const answer = await gateway.call('openai-chat/chat/completions', CHAT.ask);
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
  return { answer, keeper, requests };
}

test('a certificate that no public root signed: nothing is sent, nothing charged', async () => {
  const { answer, keeper, requests } = await callOverTls(LOCALHOST);
  assert.equal(answer.status, 502);
  assert.equal(JSON.parse(answer.text).error.rule, 'llm.provider.tls');
  assert.equal(requests, 0);
  assert.equal(keeper.settled[0]?.chargedMicroUsd, 0);
});

test('a root of the configuration is accepted beside the public ones', async () => {
  const { answer, keeper } = await callOverTls(LOCALHOST, LOCALHOST.cert);
  assert.equal(answer.status, 200);
  assert.match(keeper.reserved[0]?.origin ?? '', /^https:\/\/localhost:\d+$/);
});

test('a certificate of another name: nothing is sent, even by a root that is trusted', async () => {
  const { answer, requests } = await callOverTls(OTHER_NAME, OTHER_NAME.cert);
  assert.equal(answer.status, 502);
  assert.equal(requests, 0);
});

test('an old TLS is refused', async () => {
  const old = {
    ...LOCALHOST,
    minVersion: 'TLSv1.1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT:@SECLEVEL=0',
  } as const;
  const { answer, requests } = await callOverTls(old, LOCALHOST.cert);
  assert.equal(answer.status, 502);
  assert.equal(requests, 0);
});
