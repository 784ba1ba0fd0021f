import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex, PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { mock, test } from 'node:test';
import { fairDuplex } from './fair-duplex.ts';

test('bytes pass whole, in order, in slices, both ways', async () => {
  const input = new PassThrough();
  const output = new PassThrough();
  const fair = fairDuplex(Duplex.from({ readable: input, writable: output }));
  const sent = Buffer.from(Array.from({ length: 300_000 }, (_, n) => n % 251));
  input.end(sent);
  const slices: Buffer[] = [];
  fair.on('data', (slice: Buffer) => slices.push(slice));
  fair.write(sent);
  await once(fair, 'end');
  assert.deepEqual(Buffer.concat(slices), sent);
  assert.ok(Math.max(...slices.map(({ length }) => length)) <= 65_536);
  fair.end();
  assert.deepEqual(await buffer(output), sent);
});

test('others have a turn between two slices', async () => {
  const input = new PassThrough({ highWaterMark: 1_000_000 });
  const fair = fairDuplex(Duplex.from({ readable: input, writable: new PassThrough() }));
  const turns: string[] = [];
  fair.on('data', () => {
    turns.push('slice');
    setImmediate(() => turns.push('other'));
  });
  input.end(Buffer.alloc(4 * 65_536));
  await once(fair, 'end');
  assert.doesNotMatch(turns.join(' '), /slice slice slice/);
});

test('slices that cost far more than honest ones are read three times as slowly', async (context) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  context.after(() => mock.timers.reset());
  let now = 0;
  const input = new PassThrough({ highWaterMark: 1_000_000 });
  const fair = fairDuplex(Duplex.from({ readable: input, writable: new PassThrough() }), () => now);
  let slices = 0;
  fair.on('data', () => {
    slices += 1;
    now += 100;
  });
  input.write(Buffer.alloc(2 * 65_536));
  while (slices === 0) await new Promise(setImmediate);
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  assert.equal(slices, 1);
  mock.timers.tick(299);
  await new Promise(setImmediate);
  assert.equal(slices, 1);
  mock.timers.tick(1);
  while (slices === 1) await new Promise(setImmediate);
  assert.equal(slices, 2);
  fair.destroy();
});

test('the end of one is the end of the other', async () => {
  const bytes = new PassThrough();
  const fair = fairDuplex(bytes);
  fair.on('error', () => {});
  fair.destroy();
  assert.equal(bytes.destroyed, true);
  const broken = new PassThrough();
  const over = fairDuplex(broken);
  over.on('error', () => {});
  const closed = new Promise((resolve) => over.once('close', resolve));
  broken.destroy(new Error('gone'));
  await closed;
  assert.equal(over.destroyed, true);
});
