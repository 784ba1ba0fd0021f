import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { RefusalBody } from '@openlegion/contract/refusal';
import { servePipe } from '../packages/agent/src/pipe/serve-pipe.ts';
import { connectPipe } from '../packages/host/src/pipe/connect-pipe.ts';
import { socketPair } from '../packages/host/src/pipe/test/socket-pair.ts';

async function bothEnds() {
  const [hostSide, agentSide] = await socketPair();
  const agent = servePipe({
    input: agentSide,
    output: agentSide,
    handle: async ({ path, stream }) => {
      if (path === '/conflict') {
        throw new OpenLegionError({ code: 'conflict', rule: 'a.b', message: 'No.', remedy: 'Wait.' });
      }
      if (path === '/broken') throw new TypeError('secret internals');
      stream.respond({ ':status': 200 });
      stream.end(await text(stream));
    },
  });
  const pipe = await connectPipe({
    bytes: hostSide,
    handle: async ({ path, stream }) => {
      if (path === '/never') return;
      stream.respond({ ':status': 201 });
      stream.end(`${path} ${await text(stream)}`);
    },
  });
  return { agent, pipe };
}

test('requests go both ways at once, bodies whole', async () => {
  const { agent, pipe } = await bothEnds();
  // More than a session may hold in memory.
  const body = Buffer.alloc(24_000_000, 'x');
  const asks = Array.from({ length: 100 }, async (_, n) => {
    const answer = await pipe.request({ method: 'POST', path: `/${n}`, body: `n${n}` });
    assert.equal(await answer.text(), `n${n}`);
    const call = await agent.mesh.call({ method: 'POST', path: `/${n}`, body: `m${n}` });
    assert.equal(call.status, 201);
    assert.equal(await text(call.body), `/${n} m${n}`);
  });
  const large = await pipe.request({
    method: 'PUT',
    path: '/l',
    body,
    maxBodyBytes: body.length,
    artifact: true,
  });
  assert.equal((await large.text()).length, body.length);
  const up = await agent.mesh.call({ method: 'POST', path: '/up', body });
  assert.equal((await text(up.body)).length, body.length + 4);
  await Promise.all(asks);
  pipe.close('done');
  await agent.closed;
  await assert.rejects(agent.mesh.call({ method: 'GET', path: '/' }));
});

test("what the agent's handler throws is a refusal of its code", async () => {
  const { agent, pipe } = await bothEnds();
  const conflict = await pipe.request({ method: 'GET', path: '/conflict' });
  assert.equal(conflict.status, 409);
  assert.equal(RefusalBody.parse(await conflict.json()).error.rule, 'a.b');
  const broken = await pipe.request({ method: 'GET', path: '/broken' });
  assert.equal(broken.status, 500);
  assert.doesNotMatch(await broken.text(), /secret/);
  pipe.close('done');
  await agent.closed;
});

test('an aborted mesh call rejects with its reason and the pipe goes on', async () => {
  const { agent, pipe } = await bothEnds();
  const reason = new Error('steered away');
  const abort = new AbortController();
  const call = agent.mesh.call({ method: 'POST', path: '/never', signal: abort.signal });
  setImmediate(() => abort.abort(reason));
  await assert.rejects(call, reason);
  assert.equal((await agent.mesh.call({ method: 'GET', path: '/next' })).status, 201);
  pipe.close('done');
  await agent.closed;
});
