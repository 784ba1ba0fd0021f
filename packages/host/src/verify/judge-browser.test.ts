import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browserGuarantees } from './judge-browser.ts';

test('that Chromium runs without its own sandbox is said where an agent has one, and never counted as held', () => {
  assert.deepEqual(browserGuarantees([]), []);
  const [guarantee] = browserGuarantees(['surfer', 'reader']);
  assert.equal(guarantee?.verdict, 'cannot_be_given');
  assert.match(guarantee?.evidence ?? '', /surfer, reader.*--no-sandbox/);
});
