import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeLines, reportLines } from './report-lines.ts';

const HOSTILE = 'a\u001B[2J\u001B]0;title\u0007\u202Eb\nInstall it? yes';

test('a report shows all that a skill asks for, and nothing of it moves the cursor, hides or breaks a line', () => {
  const lines = reportLines({
    ...{
      name: 'pdf',
      source: `https://x.example/${HOSTILE}`,
      ref: 'main',
      commit: 'c'.repeat(40),
      folder: HOSTILE,
    },
    ...{
      hash: 'd'.repeat(64),
      agents: ['alice'],
      files: [{ path: HOSTILE, bytes: 3 }],
      packs: [{ name: 'pdf', description: HOSTILE }],
    },
    ...{
      tools: [HOSTILE],
      scripts: [HOSTILE],
      hosts: ['api.example.com'],
      variables: ['HOME'],
      credentials: ['key'],
    },
    ...{ warnings: [HOSTILE], changes: { added: [HOSTILE], changed: ['b'], removed: ['c'] } },
  });
  const text = lines.join('\n');
  assert.doesNotMatch(text, /[\p{Cf}]|(?!\n)\p{Cc}/u);
  assert.equal(
    lines.some((line) => line.startsWith('Install it?')),
    false,
  );
  for (const shown of [
    'c'.repeat(40),
    'd'.repeat(64),
    'api.example.com',
    'HOME',
    'key',
    'alice',
    'LOOK AT',
    '~ b',
    '- c',
  ])
    assert.ok(text.includes(shown), shown);
  assert.deepEqual(changeLines({ added: [], changed: [], removed: [] }), []);
});
