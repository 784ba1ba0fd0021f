import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLoopDetector } from './loop-detector.ts';

test('warns at the third identical call, blocks from the fifth, ends at the tenth', () => {
  const detector = createLoopDetector();
  const verdicts = Array.from({ length: 11 }, () => detector.judge('exec', '{"command":"ls"}'));
  assert.deepEqual(verdicts, [
    'run',
    'run',
    'warn',
    'warn',
    'block',
    'block',
    'block',
    'block',
    'block',
    'end',
    'end',
  ]);
});

test('takes the order of keys for no difference, and other values for one', () => {
  const detector = createLoopDetector();
  detector.judge('t', '{"a":1,"b":{"c":2,"d":3}}');
  detector.judge('t', '{"b":{"d":3,"c":2},"a":1}');
  assert.equal(detector.judge('t', ' {"a": 1, "b": {"c": 2, "d": 3}}'), 'warn');
  assert.equal(detector.judge('t', '{"a":1,"b":{"c":2,"d":4}}'), 'run');
  assert.equal(detector.judge('other', '{"a":1,"b":{"c":2,"d":3}}'), 'run');
});

test('forgets what is more than fifteen calls back', () => {
  const detector = createLoopDetector();
  detector.judge('t', '1');
  detector.judge('t', '1');
  for (let call = 0; call < 14; call++) detector.judge('t', `"other ${call}"`);
  assert.equal(detector.judge('t', '1'), 'run');
});

test('lets memory be asked the same again', () => {
  const detector = createLoopDetector();
  const verdicts = Array.from({ length: 12 }, () => detector.judge('memory_search', '{}'));
  assert.ok(verdicts.every((verdict) => verdict === 'run'));
});
