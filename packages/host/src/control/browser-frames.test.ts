import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { browserFrames } from './browser-frames.ts';

const frame = (of: object = {}) =>
  JSON.stringify({
    jpeg: '/9j/AAAA',
    url: 'https://a.test/',
    title: 'A',
    width: 10,
    height: 10,
    held: false,
    ...of,
  });

async function read(chunks: Iterable<Buffer>, pause = async (_ms: number) => {}): Promise<string[]> {
  const lines: string[] = [];
  async function* source() {
    yield* chunks;
  }
  for await (const line of browserFrames(source(), pause)) lines.push(line);
  return lines;
}

test('frames come through whole, however their bytes are cut', async () => {
  const bytes = Buffer.from(`${frame()}\n${frame({ title: 'Ünï' })}\n`);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 8 }), async (cuts) => {
      const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
      assert.deepEqual(await read(chunks), [`${frame()}\n`, `${frame({ title: 'Ünï' })}\n`]);
    }),
    { numRuns: 50 },
  );
});

test('nothing of an agent gets through but frames', async () => {
  const hostile = [
    '<script>',
    '{}',
    frame({ jpeg: 'PHNjcmlwdD4=' }),
    frame({ jpeg: '/9j/<b>' }),
    frame({ more: 1 }),
    frame({ title: 'x'.repeat(301) }),
    frame({ width: 1e9 }),
  ];
  assert.deepEqual(
    await read([Buffer.from(`${hostile.join('\n')}\n`)]),
    hostile.map(() => '\n'),
  );
});

test('one frame follows the other at a pace, and a line without an end ends it', async () => {
  let waited = 0;
  const many = Buffer.from(`${frame()}\n`.repeat(100));
  const lines = await read([many], async (ms) => {
    waited += ms;
  });
  assert.deepEqual([lines.length, waited], [100, 4000]);
  const endless = Array.from({ length: 5 }, () => Buffer.alloc(1024 * 1024, 'a'));
  assert.deepEqual(await read([...endless, Buffer.from(`\n${frame()}\n`)]), []);
});
