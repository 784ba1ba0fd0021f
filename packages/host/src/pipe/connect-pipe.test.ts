import assert from 'node:assert/strict';
import { once } from 'node:events';
import type {
  ClientHttp2Session,
  IncomingHttpHeaders,
  OutgoingHttpHeaders,
  ServerHttp2Stream,
} from 'node:http2';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { RefusalBody } from '@openlegion/contract/refusal';
import { connectPipe, connectPipeWithin } from './connect-pipe.ts';
import { type MeshHandler, PIPE_LIMITS } from './pipe.ts';
import { open, requestArrives } from './test/hostile-peer.ts';
import { plainAgent } from './test/plain-agent.ts';
import { FRAME, frame, literalHeader, STATUS_200, uint32 } from './test/raw-frames.ts';
import { socketPair } from './test/socket-pair.ts';

const SHORT = { handshakeTimeoutMs: 40, headersTimeoutMs: 40, idleTimeoutMs: 40 };
const PATIENT = { ...PIPE_LIMITS };
const silent: MeshHandler = () => new Promise(() => {});

async function pair(
  answer: (stream: ServerHttp2Stream, path: string) => void,
  handle: MeshHandler = silent,
  times = PATIENT as typeof SHORT,
) {
  const [hostSide, agentSide] = await socketPair();
  const agent = plainAgent(agentSide, answer);
  const pipe = await connectPipeWithin(times, { bytes: hostSide, handle });
  return { pipe, agentSide, hostSide, inner: await agent.inner };
}

async function ask(inner: ClientHttp2Session, headers: OutgoingHttpHeaders, body = '') {
  const stream = inner.request(headers, { endStream: false });
  const whole = text(stream);
  stream.end(body);
  const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  return { status: answer[':status'], text: await whole };
}

test('an honest peer made of bare frames is answered and stays connected', async () => {
  const [hostSide, agentSide] = await socketPair();
  open(agentSide);
  const pipe = await connectPipe({ bytes: hostSide, handle: silent });
  const arrived = requestArrives(agentSide, 3);
  const asked = pipe.request({ method: 'GET', path: '/status' });
  await arrived;
  agentSide.write(frame(FRAME.windowUpdate, 0, 0, uint32(5)));
  agentSide.write(frame(FRAME.unknown, 0, 0, Buffer.alloc(5)));
  agentSide.write(frame(FRAME.headers, 4, 3, STATUS_200));
  agentSide.write(frame(FRAME.data, 1, 3, Buffer.from('{"a":1}')));
  assert.deepEqual(await (await asked).json(), { a: 1 });
  pipe.close('done');
  assert.deepEqual(await pipe.closed, { cause: 'closed', reason: 'done' });
  assert.equal(hostSide.destroyed, true);
});

test('interim answers without end end the pipe', async () => {
  const [hostSide, agentSide] = await socketPair();
  open(agentSide);
  const pipe = await connectPipe({ bytes: hostSide, handle: silent });
  const arrived = requestArrives(agentSide, 3);
  const refused = assert.rejects(pipe.request({ method: 'GET', path: '/status' }), { code: 'unavailable' });
  await arrived;
  const interim = frame(FRAME.headers, 4, 3, literalHeader(':status', '103'));
  for (let n = 0; n < 20; n += 1) agentSide.write(interim);
  assert.deepEqual(await pipe.closed, { cause: 'protocol', reason: 'interim answers without end' });
  await refused;
});

test('a silent program is given up after the handshake time', async () => {
  const [hostSide, agentSide] = await socketPair();
  agentSide.resume();
  await assert.rejects(connectPipeWithin(SHORT, { bytes: hostSide, handle: silent }), {
    code: 'unavailable',
  });
  assert.equal(hostSide.destroyed, true);
});

test('a program that ends at once is unavailable', async () => {
  const [hostSide, agentSide] = await socketPair();
  agentSide.end();
  await assert.rejects(connectPipe({ bytes: hostSide, handle: silent }), { code: 'unavailable' });
});

test('a request never answered is given up, and the pipe serves the next', async () => {
  const { pipe } = await pair(
    (stream, path) => {
      if (path.startsWith('/never')) return;
      stream.respond({ ':status': 204 }, { endStream: true });
    },
    silent,
    { ...PATIENT, headersTimeoutMs: 40 },
  );
  await assert.rejects(pipe.request({ method: 'POST', path: '/never?secret=1', body: 'x' }), (error) => {
    assert.ok(error instanceof OpenLegionError);
    assert.equal(error.code, 'deadline_exceeded');
    assert.ok(!error.message.includes('secret'));
    return true;
  });
  assert.equal((await pipe.request({ method: 'GET', path: '/now', headersTimeoutMs: 5000 })).status, 204);
  pipe.close('done');
});

test('a stopped process delays nobody else', async () => {
  const stopped = await pair(() => {}, silent, { ...PATIENT, headersTimeoutMs: 40 });
  stopped.agentSide.pause();
  const good = await pair((stream) => stream.respond({ ':status': 204 }, { endStream: true }));
  const asked = stopped.pipe.request({ method: 'PUT', path: '/workspace/a', body: Buffer.alloc(4_000_000) });
  const refused = assert.rejects(asked, { code: 'deadline_exceeded' });
  for (let n = 0; n < 20; n += 1) {
    assert.equal((await good.pipe.request({ method: 'GET', path: '/status' })).status, 204);
  }
  await refused;
  stopped.pipe.close('done');
  good.pipe.close('done');
});

test('an answer larger than asked for is too_large, one that stalls deadline_exceeded', async () => {
  const { pipe } = await pair(
    (stream, path) => {
      stream.respond({ ':status': 200 });
      if (path === '/large') stream.end(Buffer.alloc(2000));
      else stream.write('{"half":');
    },
    silent,
    { ...PATIENT, idleTimeoutMs: 40 },
  );
  const large = await pipe.request({ method: 'GET', path: '/large', maxBodyBytes: 1999 });
  await assert.rejects(large.text(), { code: 'too_large' });
  const exact = await pipe.request({ method: 'GET', path: '/large', maxBodyBytes: 2000 });
  assert.equal((await exact.text()).length, 2000);
  const stalled = await pipe.request({ method: 'GET', path: '/stall' });
  await assert.rejects(stalled.json(), { code: 'deadline_exceeded' });
  pipe.close('done');
});

test('an answer that nobody reads is held to a window', async () => {
  let written = 0;
  const { pipe } = await pair((stream) => {
    stream.respond({ ':status': 200 });
    const chunk = Buffer.alloc(16_384);
    const more = () => {
      written += chunk.length;
      stream.write(chunk, (error) => error || more());
    };
    more();
  });
  await pipe.request({ method: 'GET', path: '/endless' });
  await (await pipe.request({ method: 'GET', path: '/other', maxBodyBytes: 1_000_000 })).body
    .take(10)
    .toArray();
  assert.ok(written < 4 * PIPE_LIMITS.streamWindowBytes + 2_000_000, `${written} bytes were taken in`);
  pipe.close('done');
});

test('what is not JSON is upstream_failed; a body cut off is unavailable', async () => {
  const { pipe, agentSide } = await pair((stream, path) => {
    stream.respond({ ':status': 200 });
    if (path === '/text') stream.end('<html>');
    else stream.write('half', () => path === '/reset' && stream.close(8));
  });
  await assert.rejects((await pipe.request({ method: 'GET', path: '/text' })).json(), {
    code: 'upstream_failed',
  });
  const reset = await pipe.request({ method: 'GET', path: '/reset' });
  await assert.rejects(reset.text(), { code: 'unavailable' });
  const half = await pipe.request({ method: 'GET', path: '/half' });
  agentSide.destroy();
  await assert.rejects(half.text(), { code: 'unavailable' });
  assert.equal((await pipe.closed).cause, 'ended');
});

test('an abort rejects with its reason, before and after the headers', async () => {
  const { pipe } = await pair((stream, path) => {
    if (path === '/body') stream.respond({ ':status': 200 });
  });
  const reason = new Error('enough');
  const gone = AbortSignal.abort(reason);
  await assert.rejects(pipe.request({ method: 'GET', path: '/x', signal: gone }), reason);
  const waiting = new AbortController();
  const asked = pipe.request({ method: 'GET', path: '/never', signal: waiting.signal });
  waiting.abort(reason);
  await assert.rejects(asked, reason);
  const reading = new AbortController();
  const answer = await pipe.request({ method: 'GET', path: '/body', signal: reading.signal });
  reading.abort(reason);
  await assert.rejects(answer.text(), reason);
  pipe.close('done');
});

test('what the mesh handler throws is a refusal of its code, never a stack', async () => {
  const { pipe, inner } = await pair(
    () => {},
    async ({ path }) => {
      if (path === '/denied') {
        throw new OpenLegionError({
          code: 'denied',
          rule: 'permissions.a.b',
          message: 'No.',
          remedy: 'Ask.',
        });
      }
      throw new TypeError('secret internals /home/x');
    },
  );
  const denied = await ask(inner, { ':path': '/denied' });
  assert.equal(denied.status, 403);
  assert.equal(RefusalBody.parse(JSON.parse(denied.text)).error.rule, 'permissions.a.b');
  const broken = await ask(inner, { ':path': '/broken', ':method': 'POST' }, 'x');
  assert.equal(broken.status, 500);
  assert.doesNotMatch(broken.text, /secret|TypeError|\.ts/);
  pipe.close('done');
});

test('too many or too large headers never reach the handler', async () => {
  let handled = 0;
  const { pipe, inner } = await pair(
    () => {},
    async ({ stream }) => {
      handled += 1;
      stream.respond({ ':status': 204 }, { endStream: true });
    },
  );
  const pairs = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`x-${n}`, 'a']));
  const many = inner.request({ ':path': '/many', ...pairs });
  await assert.rejects(once(many, 'response'));
  const large = inner.request({ ':path': '/large', 'x-large': 'a'.repeat(PIPE_LIMITS.headerListBytes) });
  await assert.rejects(once(large, 'response'));
  assert.equal(handled, 0);
  pipe.close('done');
});

test('a request of the agent that stalls is reset; its neighbours go on', async () => {
  const { pipe, inner } = await pair(
    () => {},
    async ({ path, stream }) => {
      if (path !== '/ok') return;
      stream.respond({ ':status': 204 }, { endStream: true });
    },
    { ...PATIENT, idleTimeoutMs: 40 },
  );
  const stalled = inner.request({ ':path': '/stalled', ':method': 'POST' }, { endStream: false });
  stalled.on('error', () => {});
  await once(stalled, 'close');
  assert.equal((await ask(inner, { ':path': '/ok' })).status, 204);
  pipe.close('done');
});

test('fifty unread uploads are held to their windows', { timeout: 30_000 }, async () => {
  const { pipe, inner } = await pair(() => {}, silent);
  const chunk = Buffer.alloc(16_384);
  let accepted = 0;
  const uploads = Array.from({ length: 50 }, () => {
    const stream = inner.request({ ':path': '/llm/x', ':method': 'POST' }, { endStream: false });
    stream.on('error', () => {});
    const more = (error?: Error | null) => {
      if (error) return;
      accepted += chunk.length;
      stream.write(chunk, more);
    };
    more();
    return stream;
  });
  const probe = async () => {
    const before = accepted;
    for (let n = 0; n < 50; n += 1) await new Promise(setImmediate);
    return accepted !== before;
  };
  const windows = 50 * PIPE_LIMITS.streamWindowBytes;
  // Reading may pause to be fair, so a still moment before this says nothing.
  while (accepted <= windows / 2) await new Promise(setImmediate);
  while (await probe());
  assert.ok(accepted < windows + 50 * 128 * 1024, `${accepted} bytes were taken in, ${windows} announced`);
  assert.equal(uploads.length, 50);
  pipe.close('done');
});

test('one artifact at a time has the large window', async () => {
  const { pipe, inner } = await pair((stream) => {
    stream.respond({ ':status': 200 });
    stream.end(Buffer.alloc(8_000_000, 7));
  });
  const request = { method: 'GET', path: '/workspace/big', artifact: true, maxBodyBytes: 8_000_000 } as const;
  const [one, two] = await Promise.all([pipe.request(request), pipe.request(request)]);
  assert.deepEqual([(await one.text()).length, (await two.text()).length], [8_000_000, 8_000_000]);
  assert.equal((await (await pipe.request(request)).text()).length, 8_000_000);
  assert.equal(inner.destroyed, false);
  pipe.close('done');
});

test('a closed pipe leaves no timer or stream behind', async () => {
  const { pipe, hostSide } = await pair(() => {});
  const asked = pipe.request({ method: 'GET', path: '/never' });
  const refused = assert.rejects(asked, { code: 'unavailable' });
  pipe.close('enough');
  pipe.close('again');
  assert.deepEqual(await pipe.closed, { cause: 'closed', reason: 'enough' });
  await refused;
  assert.equal(hostSide.destroyed, true);
  assert.deepEqual(
    process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout'),
    [],
  );
});
