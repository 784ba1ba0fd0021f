import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { connectPipe } from './connect-pipe.ts';
import type { Pipe, PipeEnd } from './pipe.ts';
import { meshRequest, onInner, open, times, writeAll } from './test/hostile-peer.ts';
import {
  FRAME,
  frame,
  literalHeader,
  requestBlock,
  STATUS_200,
  settings,
  uint32,
} from './test/raw-frames.ts';
import { socketPair } from './test/socket-pair.ts';

/** Written after an honest opening; the pipe must end as `protocol`. An endless one must be cut off by that. */
const ATTACKS: Record<string, () => Iterable<Buffer>> = {
  'bytes that are no frames': () => [randomBytes(4096)],
  'an answer of HTTP/1': () => [Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')],
  'a frame larger than announced': () => [frame(FRAME.data, 0, 1, Buffer.alloc(16_385))],
  'a pushed stream': () => [
    frame(FRAME.pushPromise, 4, 1, Buffer.concat([uint32(2), requestBlock('/pushed')])),
  ],
  'a request on the outer session': () => [frame(FRAME.headers, 5, 2, requestBlock('/'))],
  'a window past 2^31': () => times2(frame(FRAME.windowUpdate, 0, 0, uint32(0x7fffffff))),
  'a window update of nothing': () => [frame(FRAME.windowUpdate, 0, 0, uint32(0))],
  'settings on a stream': () => [frame(FRAME.settings, 0, 1)],
  'settings of half an entry': () => [frame(FRAME.settings, 0, 0, Buffer.alloc(7))],
  'a hundred settings in a frame': () => [settings(Array.from({ length: 100 }, (_, at) => [at + 100, 1]))],
  'an acknowledged ping that was never sent': () => [frame(FRAME.ping, 1, 0, Buffer.alloc(8))],
  'broken header compression': () => [
    frame(FRAME.headers, 4, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff])),
  ],
  'data on a stream that never was': () => [frame(FRAME.data, 0, 77, Buffer.alloc(1))],
  'a headers frame interrupted by another': () => [
    frame(FRAME.headers, 0, 1, STATUS_200),
    frame(FRAME.ping, 0, 0, Buffer.alloc(8)),
  ],
  'more data than the window': () => endless(frame(FRAME.data, 0, 3, Buffer.alloc(16_384))),
  'continuation without end': function* () {
    yield frame(FRAME.headers, 0, 1, STATUS_200);
    yield* endless(frame(FRAME.continuation, 0, 1, literalHeader('a', 'b'.repeat(100))));
  },
  'empty continuation without end': function* () {
    yield frame(FRAME.headers, 0, 1, STATUS_200);
    yield* endless(frame(FRAME.continuation, 0, 1));
  },
  'pings without end': () => endless(frame(FRAME.ping, 0, 0, Buffer.alloc(8))),
  'settings without end': () => endless(settings()),
  'empty data without end': () => endless(frame(FRAME.data, 0, 1)),
  'alternative services': () => endless(frame(FRAME.altsvc, 0, 0, Buffer.from([0, 1, 97, 98, 99]))),
  'garbage on the inner session': () => [onInner(randomBytes(4096))],
  'inner pings without end': () => endless(onInner(times(frame(FRAME.ping, 0, 0, Buffer.alloc(8)), 900))),
  'inner settings without end': () => endless(onInner(times(settings(), 900))),
  'inner continuation without end': function* () {
    yield onInner(frame(FRAME.headers, 0, 1, requestBlock('/x')));
    yield* endless(onInner(times(frame(FRAME.continuation, 0, 1, literalHeader('a', 'b'.repeat(100))), 50)));
  },
  'requests reset at once (rapid reset)': function* () {
    for (let id = 1; ; id += 2) {
      yield onInner(meshRequest(id, false), frame(FRAME.rstStream, 0, id, uint32(8)));
    }
  },
  'more requests at once than announced': function* () {
    for (let id = 1; ; id += 2) yield onInner(meshRequest(id, false));
  },
  'the inner session in frames of one byte': () =>
    endless(
      Buffer.concat(
        Array.from(frame(FRAME.ping, 0, 0, Buffer.alloc(8)), (byte) =>
          frame(FRAME.data, 0, 1, Buffer.from([byte])),
        ),
      ),
    ),
};

function times2(bytes: Buffer): Buffer[] {
  return [bytes, bytes];
}

function* endless(bytes: Buffer): Generator<Buffer> {
  const chunk = times(bytes, Math.max(1, Math.floor(32_768 / bytes.length)));
  for (;;) yield chunk;
}

for (const [name, attack] of Object.entries(ATTACKS)) {
  test(`${name}: ends this pipe as protocol, and nothing else`, async () => {
    const [hostSide, agentSide] = await socketPair();
    open(agentSide);
    const pipe: Pipe = await connectPipe({ bytes: hostSide, handle: () => new Promise(() => {}) });
    const waiting = pipe.request({ method: 'GET', path: '/status' });
    const refused = assert.rejects(waiting, { code: 'unavailable' });
    await writeAll(agentSide, attack());
    const end: PipeEnd = await pipe.closed;
    await refused;
    assert.equal(end.cause, 'protocol', end.reason);
    assert.equal(hostSide.destroyed, true);
    await assert.rejects(pipe.request({ method: 'GET', path: '/status' }), { code: 'unavailable' });
  });
}

const OPENINGS: Record<string, Buffer> = {
  garbage: randomBytes(4096),
  'HTTP/1': Buffer.from('GET / HTTP/1.1\r\nHost: agent\r\n\r\n'),
  'CONNECT refused': Buffer.concat([settings(), frame(FRAME.headers, 5, 1, Buffer.from([0x8d]))]),
  'HTTP/1 on the inner session': Buffer.concat([
    settings(),
    frame(FRAME.headers, 4, 1, STATUS_200),
    onInner(Buffer.from('GET /llm HTTP/1.1\r\nHost: mesh\r\n\r\n')),
  ]),
};

for (const [name, bytes] of Object.entries(OPENINGS)) {
  test(`an opening of ${name} is refused and its stream destroyed`, async () => {
    const [hostSide, agentSide] = await socketPair();
    agentSide.resume();
    agentSide.write(bytes);
    await assert.rejects(connectPipe({ bytes: hostSide, handle: async () => {} }), { code: 'unavailable' });
    assert.equal(hostSide.destroyed, true);
  });
}

test('a hundred random endings crash nothing', async () => {
  for (let round = 0; round < 100; round += 1) {
    const [hostSide, agentSide] = await socketPair();
    open(agentSide);
    const pipe = await connectPipe({ bytes: hostSide, handle: async () => {} });
    const waiting = pipe.request({ method: 'GET', path: '/status' }).catch((error) => error.code);
    const noise = frame(round % 12, round * 7, round % 5, randomBytes(round), (round * 31) % 400);
    agentSide.end(Buffer.concat([noise, randomBytes(round * 3)]));
    assert.notEqual((await pipe.closed).cause, 'closed');
    assert.equal(await waiting, 'unavailable');
  }
});
