import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentName, RESERVED_AGENT_NAMES } from './agent-name.ts';

test('a name that a shell, a path, a header or another system could read otherwise is refused', () => {
  const refused = [
    '',
    'A',
    '1a',
    '-a',
    'a_b',
    'a.b',
    'a/b',
    '../a',
    'a b',
    'a\n',
    'a;b',
    '$(id)',
    'ä',
    'а',
    'a'.repeat(64),
  ];
  for (const name of refused) assert.equal(AgentName.safeParse(name).success, false, JSON.stringify(name));
  for (const name of RESERVED_AGENT_NAMES) assert.equal(AgentName.safeParse(name).success, false, name);
  for (const name of ['a', 'researcher', 'a-1', 'a'.repeat(63)]) assert.equal(AgentName.parse(name), name);
});
