import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { createFakeEgressKeeper } from './test/fake-egress-keeper.ts';
import { startEgress, startUpstream } from './test/start-egress.ts';

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
  const listener = createServer({ allowHalfOpen: true });
  using _listening = { [Symbol.dispose]: () => void listener.close() };
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const program = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  const [socket]: Socket[] = await once(listener, 'connection');
  assert.ok(socket);
  at.egress.connect(socket, { agent: 'researcher', traceId: 't' }, Buffer.alloc(0));
  program.write('CONNECT up.test:443 HTTP/1.1\r\n\r\n');
  await asked?.promise;
  const left = new Promise((resolve) => socket.once(leave === 'destroy' ? 'end' : 'close', resolve));
  program[leave]();
  await left;
  decided?.resolve();
  await ended?.promise;
  for (const dialled of upstream.connections) if (!dialled.destroyed) await once(dialled.resume(), 'close');
  return fake.done.length;
}

test('a program that leaves while its tunnel is decided leaves nothing open, here or at the keeper', async () => {
  for (const mode of ['terminate', 'opaque'] as const)
    for (const leave of ['destroy', 'resetAndDestroy'] as const)
      assert.equal(await leaveEarly(mode, leave), 1, `${mode}, ${leave}`);
});
