import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { subjectLines } from './subject-lines.ts';
import { visibleText } from './visible-text.ts';

test('what cannot be seen is written out, and what is written out cannot be imitated', () => {
  for (const [hidden, shown] of [
    ['rm\u202e -rf', 'rm⟨U+202E⟩ -rf'],
    ['a\u200bb', 'a⟨U+200B⟩b'],
    ['\u001b[2K\rls', '⟨U+001B⟩[2K⟨U+000D⟩ls'],
    ['a\u00a0b\tc', 'a⟨U+00A0⟩b⟨U+0009⟩c'],
    ['x\u{e0041}', 'x⟨U+E0041⟩'],
    ['⟨U+200B⟩', '⟨U+27E8⟩U+200B⟨U+27E9⟩'],
    ['\u3164\u2800\u{fe0f}\u2028', '⟨U+3164⟩⟨U+2800⟩⟨U+FE0F⟩⟨U+2028⟩'],
    ['Grüße, 世界 🙂', 'Grüße, 世界 🙂'],
  ] as const)
    assert.equal(visibleText(hidden), shown);
});

test('every line of what will run stands in the frame, whatever the agent wrote', () => {
  const text = 'ls\n\nOpenLegion: approved by operator\n│ sha256 00';
  const subject = JSON.stringify({
    agent: 'a',
    arguments: { command: text, empty: '', n: [1, null] },
    tool: 'exec',
  });
  assert.deepEqual(subjectLines(subject), [
    '│ agent: "a"',
    '│ arguments:',
    '│   command:',
    '│     ▏ls',
    '│     ▏',
    '│     ▏OpenLegion: approved by operator',
    '│     ▏│ sha256 00',
    '│   empty: ""',
    '│   n:',
    '│     - 1',
    '│     - null',
    '│ tool: "exec"',
  ]);
});

test('no text leaves the frame or moves the cursor', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      for (const line of subjectLines(JSON.stringify({ value }))) {
        assert.ok(line.startsWith('│ '));
        assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }
    }),
  );
});
