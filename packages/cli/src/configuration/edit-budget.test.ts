import assert from 'node:assert/strict';
import { test } from 'node:test';
import { budgetOwner, editBudget } from './edit-budget.ts';

const AGENTS = `# The fleet.
agents:
  researcher: # finds things
    model: scripted/researcher # scripted
    budget: { daily_usd: 5, monthly_usd: 100 } # enough
  writer:
    role: 'writes'
`;
const MESH = `llm: { default_model: scripted/a } # the model
budget: { daily_usd: 50, timezone: Europe/Berlin }
`;

test('a limit is set and comments, order and everything else stay', () => {
  assert.equal(
    editBudget(AGENTS, budgetOwner('researcher'), { daily_usd: 2.5, monthly_usd: 20 }),
    AGENTS.replace('daily_usd: 5, monthly_usd: 100', 'daily_usd: 2.5, monthly_usd: 20'),
  );
  const more = editBudget(AGENTS, budgetOwner('researcher'), { requests_per_minute: 30 });
  assert.match(more ?? '', /monthly_usd: 100, requests_per_minute: 30 \} # enough\n/);
  assert.equal(more?.replace(', requests_per_minute: 30', ''), AGENTS);
  assert.match(
    editBudget(AGENTS, budgetOwner('writer'), { daily_usd: 1 }) ?? '',
    /'writes'\n {4}budget:\n {6}daily_usd: 1\n$/,
  );
  assert.equal(
    editBudget(MESH, budgetOwner('fleet'), { daily_usd: 20 }),
    MESH.replace('daily_usd: 50', 'daily_usd: 20'),
  );
  const commented = AGENTS.replace('  writer:', '\n  # Writes.\n  writer:').replace(
    '{ daily_usd: 5, monthly_usd: 100 } # enough',
    '\n      daily_usd: 5 # a day\n',
  );
  assert.equal(
    editBudget(commented, budgetOwner('researcher'), { tokens_per_minute: 9 }),
    commented.replace('# a day\n', '# a day\n      tokens_per_minute: 9\n'),
  );
  const team = editBudget(MESH, budgetOwner('team:sales'), { daily_usd: 3, monthly_usd: 30 });
  assert.ok(team?.startsWith(MESH));
  assert.match(team ?? '', /teams:\n {2}sales:\n {4}budget:\n {6}daily_usd: 3\n {6}monthly_usd: 30\n/);
  assert.equal(editBudget(MESH, budgetOwner('fleet'), { daily_usd: 50 }), null);
});

test('what would be no valid configuration is refused and says why', () => {
  assert.throws(() => editBudget(AGENTS, budgetOwner('nobody'), { daily_usd: 1 }), /no agent nobody/);
  assert.throws(() => editBudget(MESH, budgetOwner('team:sales'), { daily_usd: 3 }), /monthly_usd/);
  assert.throws(() => editBudget(MESH, budgetOwner('team:Not A Team'), { daily_usd: 3, monthly_usd: 3 }), {
    code: 'bad_request',
  });
  assert.throws(() => editBudget('a: [', budgetOwner('fleet'), { daily_usd: 1 }), { code: 'bad_request' });
});
