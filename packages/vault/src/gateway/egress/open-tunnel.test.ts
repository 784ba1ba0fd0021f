import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { createFakeEgressKeeper } from './test/fake-egress-keeper.ts';
import { exchange, startEgress, startUpstream } from './test/start-egress.ts';

/** A program asks for a tunnel and leaves before the keeper has answered. */
async function leaveEarly(mode: 'terminate' | 'opaque', leave: 'destroy' | 'resetAndDestroy') {
  const fake = createFakeEgressKeeper();
  if (mode === 'opaque') fake.opaque.add('up.test');
  const [asked, decided, ended] = [1, 2, 3].map(() => Promise.withResolvers<void>());
  const { call } = fake.keeper;
  fake.keeper = {
    async call(operation, request) {
      if (operation === 'egress') {
        asked?.resolve();
        await decided?.promise;
      }
      const outcome = await call(operation, request);
      if (operation === 'egressDone') ended?.resolve();
      return outcome;
    },
  };
  await using upstream = await startUpstream((_message, response) => response.end());
  await using at = await startEgress({ fake, pins: { 'up.test': upstream.port } });
  const { program, socket, close } = await connected();
  at.egress.connect(socket, { agent: 'researcher', traceId: 't' }, Buffer.alloc(0));
  program.write('CONNECT up.test:443 HTTP/1.1\r\n\r\n');
  await asked?.promise;
  const left = new Promise((resolve) => socket.once(leave === 'destroy' ? 'end' : 'close', resolve));
  program[leave]();
  await left;
  decided?.resolve();
  await ended?.promise;
  for (const dialled of upstream.connections) if (!dialled.destroyed) await once(dialled.resume(), 'close');
  close();
  return fake.done.length;
}

test('a program that leaves while its tunnel is decided leaves nothing open, here or at the keeper', async () => {
  for (const mode of ['terminate', 'opaque'] as const)
    for (const leave of ['destroy', 'resetAndDestroy'] as const)
      assert.equal(await leaveEarly(mode, leave), 1, `${mode}, ${leave}`);
});

test('a connection that was refused is over when its program leaves, whatever it had said beyond', async () => {
  const upgrade = 'GET /ws HTTP/1.1\r\nHost: up.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';
  const inTunnel = ['CONNECT up.test:443 HTTP/1.1\r\n\r\n', upgrade.replaceAll('up.test', 'no.test')];
  for (const refused of [...inTunnel, 'no HTTP\r\n\r\n']) {
    const ended = Promise.withResolvers<void>();
    const fake = createFakeEgressKeeper();
    const { call } = fake.keeper;
    fake.keeper = {
      async call(operation, request) {
        const outcome = await call(operation, request);
        if (operation === 'egressDone') ended.resolve();
        return outcome;
      },
    };
    await using upstream = await startUpstream((_message, response) => response.end());
    await using at = await startEgress({ fake, pins: { 'up.test': upstream.port } });
    const program = await at.tunnel('up.test:443');
    assert.match(await exchange(program, `${refused}and more`, /^HTTP\/1\.1 4/), /^HTTP\/1\.1 4/, refused);
    program.destroy();
    await ended.promise;
  }
  await using at = await startEgress({ settings: { connections: 0 } });
  const { program, socket, close } = await connected();
  at.egress.connect(socket, { agent: 'researcher', traceId: 't' }, Buffer.from('CONNECT up.test:443'));
  const over = once(socket, 'close');
  assert.match(await exchange(program, 'and more', /429/), /429/);
  program.destroy();
  await over;
  close();
});

/** Both ends of a connection. */
async function connected() {
  const listener = createServer({ allowHalfOpen: true });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const program = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  const [socket]: Socket[] = await once(listener, 'connection');
  assert.ok(socket);
  return { program, socket, close: () => void listener.close() };
}
