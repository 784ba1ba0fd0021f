import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { createAskPins } from './ask-pins.ts';

test('the host is asked once for what holds, again for what waits and for what changed; nothing said is nothing held', async () => {
  const asked: unknown[] = [];
  let state = 'pinned';
  let status = 200;
  const ask = createAskPins({
    async call({ path, body }) {
      assert.equal(path, '/mesh/tool-pins');
      asked.push(JSON.parse(String(body)));
      const text = JSON.stringify({ tools: [{ name: 'a', state }] });
      return { status, headers: {}, body: Readable.from([Buffer.from(text)]) };
    },
  });
  const report = (definition: string) => ask({ server: 'fs', tools: [{ name: 'a', definition }] });
  assert.deepEqual(await report('A'), new Map([['a', 'pinned']]));
  await report('A');
  assert.equal(asked.length, 1);
  state = 'changed';
  assert.deepEqual(await report('B'), new Map([['a', 'changed']]));
  await report('B');
  assert.equal(asked.length, 3);
  state = 'pinned';
  assert.deepEqual(await report('B'), new Map([['a', 'pinned']]));
  status = 503;
  await assert.rejects(report('C'));
  assert.deepEqual(await report('B'), new Map([['a', 'pinned']]));
});
