import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentsOf } from '../blackboard/test/open-parts.ts';
import { rememberOfAgent } from './remember-of-agent.ts';

test('with a name that is new, what is remembered of agents that are gone is forgotten, and no more', () => {
  const agents = agentsOf({ alice: {}, bob: {}, 'alice-s1': {}, 'alice-s2': {} });
  const remembered = new Map<string, number>();
  const remember = (agent: string, value: number) => rememberOfAgent(remembered, { agents }, agent, value);
  for (const [index, name] of ['alice', 'alice-s1', 'alice-s2'].entries()) remember(name, index);
  agents.delete('alice-s1');
  remember('alice', 7);
  assert.deepEqual([...remembered.keys()], ['alice', 'alice-s1', 'alice-s2']);
  remember('bob', 8);
  assert.deepEqual(Object.fromEntries(remembered), { alice: 7, 'alice-s2': 2, bob: 8 });
});
