import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { ApprovalList } from '@openlegion/contract/control-approvals';
import { WorkflowRunStarted, WorkflowRunView } from '@openlegion/contract/control-workflow';
import { configPaths } from '@openlegion/contract/installation';
import { RunRecord } from '@openlegion/contract/workflow-run';
import { z } from 'zod';
import { startInstallation, type TestInstallation } from './harness/installation.ts';
import { killCount, killHostAtRandom } from './harness/kill-host.ts';
import { readStore } from './harness/read-store.ts';

/*
 * kill -9 of the host while workflows run over real containers. What was acknowledged ends; no step has more than one
 * task; no task is answered twice; what was approved before a kill is approved after it.
 */

/* An agent's tool leaves a line for each time that it ran, in its own volume. */
const SCRIPT = `
rules:
  - when: { user: '/of the type mark[\\s\\S]*"line": "([a-z0-9-]+)"/', round: 0 }
    answer: { calls: [{ tool: exec, arguments: { command: 'echo {{1}} >> marks; echo marked {{1}}' } }] }
  - when: { tool: exec, result: '/marked ([a-z0-9-]+)/' }
    answer: { text: '{"line": "{{1}}"}' }
  # The container ended under the tool: what an honest agent says, and does not try again.
  - when: { tool: exec, result: outcome unknown }
    answer: { text: '{"line": "unknown"}' }
  - when: { user: show, round: 0 }
    answer: { calls: [{ tool: exec, arguments: { command: 'cat marks' } }] }
  - when: { tool: exec }
    answer: { text: '{{result}}' }
otherwise: { text: 'what?' }
`;
const STEP = 'task_type: mark, timeout: 3000, output_schema: { type: object, required: [line] }';
const WORKFLOW = `name: marks
timeout: 6000
inputs: { line: { type: string } }
steps:
  - { id: a, agent: one, input_from: trigger.payload, ${STEP} }
  - { id: b, agent: two, input_from: trigger.payload, depends_on: [a], ${STEP} }
  - { id: c, agent: one, input_from: trigger.payload, depends_on: [a], requires_approval: true, ${STEP} }
  - { id: d, agent: two, input_from: trigger.payload, depends_on: [b, c], condition: b.status == "done", ${STEP} }
`;
const MarkResult = z.object({ line: z.string() });
const ALLOWED = { allowed_apis: ['llm'], allowed_tools: { exec: 'allow' } };
const KILLS = killCount(4);

test(`kill -9 of the host at ${KILLS} random moments during workflows`, {
  timeout: 240_000 + KILLS * 20_000,
}, async () => {
  await using installation = await startInstallation({
    agents:
      'agents:\n  one: { model: scripted/mark, resources: { disk_limit: 16m, cpu_limit: 1 } }\n  two: { model: scripted/mark, resources: { disk_limit: 16m, cpu_limit: 1 } }\n',
    permissions: { permissions: { one: ALLOWED, two: ALLOWED } },
    scripts: { mark: SCRIPT },
  });
  const { control, home } = installation;
  const directory = `${configPaths(home).directory}/workflows`;
  mkdirSync(directory);
  writeFileSync(`${directory}/marks.yaml`, WORKFLOW);
  assert.equal((await control.call('POST', '/api/workflows/marks/accept', {})).status, 200);

  const acknowledged = new Map<string, string>();
  await killHostAtRandom({
    ...{ installation, kills: KILLS, seed: 20_260, mostMs: 4000 },
    async meanwhile(life) {
      await startRun(installation, `life-${life}`, acknowledged);
      for (;;) await approveAll(installation);
    },
  });
  await startRun(installation, 'last', acknowledged);
  assert.ok(acknowledged.size > 0);

  for (const [line, run] of acknowledged) {
    const view = await ended(installation, run);
    const states = Object.fromEntries(view.steps.map(({ id, state }) => [id, state.status]));
    assert.deepEqual(
      [view.run.status, states],
      ['done', { a: 'done', b: 'done', c: 'done', d: 'done' }],
      JSON.stringify(view),
    );
    assert.equal(view.run.payload && JSON.stringify(view.run.payload), `{"line":"${line}"}`);
  }
  /** Steps that say that they left their mark, by agent and mark; the others were cut off. */
  const told = new Map<string, number>();
  for (const { record } of readStore(installation, 'SELECT record FROM workflow_run')) {
    const { id } = RunRecord.parse(JSON.parse(String(record)));
    for (const { id: step, state } of (await ended(installation, id)).steps) {
      const line = MarkResult.parse(state.result).line;
      const key = `${step === 'a' || step === 'c' ? 'one' : 'two'} ${line}`;
      told.set(key, (told.get(key) ?? 0) + 1);
    }
  }
  const tasks = readStore(
    installation,
    "SELECT origin_name, COUNT(*) AS n FROM task WHERE origin_name LIKE 'workflow:%' GROUP BY origin_name",
  );
  for (const { origin_name, n } of tasks) assert.equal(n, 1, `${origin_name} has one task`);
  const runs = readStore(installation, 'SELECT status, COUNT(*) AS n FROM workflow_run GROUP BY status');
  assert.deepEqual(
    runs.map(({ status }) => status),
    ['done'],
    'what was not acknowledged and began ended, too',
  );
  const settled = readStore(
    installation,
    "SELECT subject, COUNT(*) AS n FROM audit WHERE type = 'workflow.settled' GROUP BY detail HAVING n > 1",
  );
  assert.deepEqual(settled, []);

  for (const agent of ['one', 'two']) {
    const { view } = await control.ask(agent, 'show');
    const marks = (view.reply ?? '').split('\n').filter((line) => /^(?:life-\d+|last)$/.test(line));
    const counts = new Map<string, number>();
    for (const mark of marks) counts.set(mark, (counts.get(mark) ?? 0) + 1);
    for (const [mark, count] of counts) {
      assert.ok(count <= 2, `${agent} did ${mark} ${count} times, for two steps`);
      assert.ok(count >= (told.get(`${agent} ${mark}`) ?? 0), `${agent} did ${mark} as often as it says`);
    }
  }
});

async function startRun({ control }: TestInstallation, line: string, acknowledged: Map<string, string>) {
  const body = { payload: { line }, idempotencyKey: line };
  const answer = await control.call('POST', '/api/workflows/marks/runs', body);
  if (answer.status === 202) acknowledged.set(line, WorkflowRunStarted.parse(answer.json()).run.id);
}

async function approveAll({ control }: TestInstallation): Promise<void> {
  const listed = (await control.call('GET', '/api/approvals?status=pending')).json();
  for (const { id, hash } of ApprovalList.parse(listed).approvals)
    await control.call('POST', `/api/approvals/${id}/answer`, { approve: true, hash });
}

async function ended(installation: TestInstallation, run: string): Promise<WorkflowRunView> {
  for (;;) {
    await approveAll(installation);
    const path = `/api/workflow-runs/${run}?wait=1`;
    const view = WorkflowRunView.parse((await installation.control.call('GET', path)).json());
    if (view.run.phase === 'over') return view;
  }
}
