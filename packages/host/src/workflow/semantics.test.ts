import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  expectedOf,
  POLICIES,
  type Policy,
  rowText,
  SITUATIONS,
  type Situation,
} from './test/semantic-rows.ts';
import {
  atRest,
  createAgents,
  definitionOf,
  openFixture,
  statusesOf,
  temporaryHome,
  untilOver,
} from './test/workflow-fixture.ts';

const docs = readFileSync(new URL('../../../../docs/workflows.md', import.meta.url), 'utf8');

for (const situation of SITUATIONS)
  for (const policy of POLICIES)
    test(`on_failure ${policy}: ${situation.what}`, async () => {
      assert.ok(
        docs.includes(rowText(policy, situation)),
        `docs/workflows.md lacks ${rowText(policy, situation)}`,
      );
      await check(policy, situation);
    });

async function check(policy: Policy, situation: Situation): Promise<void> {
  using home = temporaryHome();
  const fallback = policy === 'fallback' ? { fallback_agent: 'second' } : {};
  const agent = 'other';
  const workflow = definitionOf({
    name: 'table',
    timeout: 10_000,
    steps: [
      { id: 'a', agent: 'first', task_type: 'a', on_failure: policy, ...fallback, ...situation.step },
      { id: 'b', agent, task_type: 'b', depends_on: ['a'] },
      { id: 'c', agent, task_type: 'c', depends_on: ['b'] },
      { id: 'd', agent, task_type: 'd', depends_on: ['a'], on_skipped: 'run' },
      { id: 'e', agent, task_type: 'e', timeout: 9000 },
    ],
  });
  const agents = createAgents(({ step, to, attempt, input }) => {
    if (step === 'e') return 'hang';
    if (step !== 'a' || ('agent' in to && to.agent === 'second')) return { kind: 'done', result: 2 };
    if (situation.step.for_each === undefined) return situation.act(attempt);
    const { item } = { item: null, ...(input as object) };
    return item === 'bad' ? { kind: 'failed', message: 'no' } : { kind: 'done', result: 1 };
  });
  const { approve } = situation;
  const fixture = openFixture({
    home: home.path,
    workflows: [workflow],
    agents,
    ...(approve && { approve }),
  });
  await fixture.accept();
  const started = await fixture.start('table', { list: ['good', 'bad', 'good'] });
  assert.ok(started.ok);
  const over = await untilOver(fixture, started.record.id, ({ steps }) => {
    const settled = ['a', 'b', 'c', 'd'].every((id) => (steps.get(id)?.finishedAtMs ?? null) !== null);
    if (settled) agents.end(`${started.record.id}/e/0/1`, { kind: 'done', result: 3 });
  });
  assert.deepEqual(statusesOf(over), expectedOf(policy, situation));
  const succeeded = expectedOf(policy, situation).a === 'done';
  assert.equal(over.steps.get('a')?.reason ?? '', succeeded ? '' : situation.reason);
  assert.equal(agents.begun().filter(({ step }) => step === 'a').length, situation.tasks[policy]);
  // Told once for every step, and nothing of a run after its end.
  const settled = fixture.events.filter(({ type }) => type === 'workflow_step_settled');
  assert.equal(settled.length, 5);
  assert.equal(fixture.events.at(-1)?.type, 'workflow_settled');
  await atRest();
  await fixture.close();
}
