import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createImageFor } from './create-image-for.ts';
import { BROWSER_IMAGE, imageNames, PLAIN_IMAGE } from './image-variant.ts';

test('the plain image is there; another is built once for all who wait, and again after a failure', async () => {
  const asked: string[] = [];
  let fail = true;
  const imageFor = createImageFor({
    plain: 'plain:1',
    ensure: async ({ name }) => {
      asked.push(name);
      if (fail) throw new Error('no room');
      return `${name}:1`;
    },
  });
  assert.equal(await imageFor(PLAIN_IMAGE), 'plain:1');
  assert.deepEqual(asked, []);
  const both = await Promise.allSettled([imageFor(BROWSER_IMAGE), imageFor({ ...BROWSER_IMAGE })]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.deepEqual(asked, ['browser']);
  fail = false;
  assert.equal(await imageFor(BROWSER_IMAGE), 'browser:1');
  assert.equal(await imageFor(BROWSER_IMAGE), 'browser:1');
  assert.deepEqual(asked, ['browser', 'browser']);
});

test('images of a variant are named apart, so that cleaning up one leaves the others', () => {
  const plain = Object.values(imageNames(PLAIN_IMAGE));
  assert.deepEqual(plain, ['openlegion-base', 'openlegion-runtime', 'openlegion-agent']);
  for (const name of Object.values(imageNames(BROWSER_IMAGE))) assert.ok(!plain.includes(name), name);
});
