import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import {
  WorkflowList,
  WorkflowPlanned,
  WorkflowRunList,
  WorkflowRunView,
} from '@openlegion/contract/control-workflow';
import { HandoffAnswer, WorkflowProposed } from '@openlegion/contract/mesh-api';
import type { FakeTurn } from '../fleet/test/fake-backend.ts';
import { askMesh } from '../mesh/test/ask-mesh.ts';
import { startWorkflowHost, workflowConfig } from './test/workflow-host.ts';

const PAIR = `name: pair
steps:
  - { id: first, agent: worker, task_type: add, input_from: trigger.payload, output_schema: { type: object, properties: { n: { type: number } } } }
  - { id: second, capability: sum, task_type: add, depends_on: [first], condition: first.result.n > 1, input_from: first.result }
`;
const say = (turn: FakeTurn, result: unknown) => turn.end(JSON.stringify(result), { result });

test('a workflow runs once its hash was accepted, its steps are tasks of agents, and all of it is on the trace', async () => {
  const texts: string[] = [];
  await using host = await startWorkflowHost({
    workflows: { pair: PAIR },
    turn(turn) {
      texts.push(turn.text);
      say(turn, { n: 2 });
    },
  });
  const { fixture } = host;
  const early = await fixture.ask('POST', '/api/workflows/pair/runs', {});
  assert.equal(early.refusal().rule, 'workflow.not_accepted');
  await host.accept('pair');
  const started = await host.run('pair', { lead: 'ann' }, 'k');
  assert.equal((await host.run('pair', { lead: 'ann' }, 'k')).run.id, started.run.id);
  const view = await host.over(started.run.id);
  assert.equal(view.run.status, 'done', JSON.stringify(view));
  assert.deepEqual(
    view.steps.map(({ id, state }) => [id, state.status, state.result]),
    [
      ['first', 'done', { n: 2 }],
      ['second', 'done', { n: 2 }],
    ],
  );
  assert.deepEqual(texts, [
    'Do the task add: the step first of the workflow pair.',
    'Do the task add: the step second of the workflow pair.',
  ]);
  const types = (await fixture.audit()).map(({ type }) => type);
  for (const type of ['workflow.proposed', 'workflow.accepted', 'workflow.started', 'workflow.settled'])
    assert.equal(types.filter((one) => one === type).length, 1, type);
});

test('a file that changes needs a new acceptance; what is running keeps what it has', async () => {
  let release: (() => void) | undefined;
  const begun = Promise.withResolvers<void>();
  await using host = await startWorkflowHost({
    workflows: { pair: PAIR },
    async turn(turn) {
      if (!release) {
        await new Promise<void>((resolve) => {
          release = resolve;
          begun.resolve();
        });
      }
      say(turn, { n: 2 });
    },
  });
  await host.accept('pair');
  const { run } = await host.run('pair', {});
  await begun.promise;
  host.write('pair', PAIR.replace('first.result.n > 1', 'first.result.n > 100'));
  const changed = await host.fixture.ask('POST', '/api/workflows/pair/runs', {});
  assert.equal(changed.refusal().rule, 'workflow.not_accepted');
  release?.();
  const view = await host.over(run.id);
  assert.equal(view.steps[1]?.state.status, 'done');
});

test('an agent proposes a workflow and can neither accept nor start it; its mistakes are told with their places', async () => {
  const answers: Record<string, Awaited<ReturnType<typeof askMesh>>> = {};
  await using host = await startWorkflowHost({
    workflows: {},
    async turn({ mesh, end, agent }) {
      const propose = (yaml: string) => askMesh(mesh, 'POST', '/mesh/workflows', { yaml });
      if (agent === 'worker') answers.denied = await propose(PAIR);
      else {
        answers.good = await propose(PAIR);
        answers.bad = await propose(PAIR.replace('worker', 'wroker'));
        for (const path of [
          '/api/workflows/pair/accept',
          '/api/workflows/pair/runs',
          '/mesh/workflows/pair/runs',
        ])
          answers[path] = await askMesh(mesh, 'POST', path, {});
        const to = { to: 'workflow:pair', task: '{}', idempotencyKey: 'k' };
        answers.handoff = await askMesh(mesh, 'POST', '/mesh/handoff', to);
      }
      end('ok');
    },
  });
  const { fixture } = host;
  for (const agent of ['worker', 'lead']) await fixture.trace((await fixture.send(agent, 'go')).messageId);
  const { good, bad, denied, handoff, ...others } = answers;
  assert.equal(denied?.refusal().rule, 'permissions.worker.allowed_apis');
  const proposed = good?.as(WorkflowProposed);
  assert.match(bad?.refusal().message ?? '', /proposal of lead:3:\d+: no agent is named "wroker"/);
  for (const [path, answer] of Object.entries(others)) assert.equal(answer.status, 404, path);
  assert.equal(handoff?.refusal().rule, 'workflow.name');
  const { workflows } = (await fixture.ask('GET', '/api/workflows')).as(WorkflowList);
  assert.deepEqual(
    workflows.map(({ name, hash, file, proposedBy, acceptedBy }) => ({
      name,
      hash,
      file,
      proposedBy,
      acceptedBy,
    })),
    [{ name: 'pair', hash: proposed?.hash, file: null, proposedBy: 'lead', acceptedBy: null }],
  );
});

test('twenty proposals of an agent wait for an operator, also where two are made at once, and what is withdrawn meanwhile is refused', async () => {
  const rules: string[] = [];
  const config = workflowConfig();
  const agents = new Map(config.agents);
  const lead = agents.get('lead');
  assert.ok(lead);
  await using host = await startWorkflowHost({
    workflows: {},
    config: { ...config, agents },
    async turn({ mesh, end }) {
      const propose = async (number: number) => {
        const yaml = PAIR.replace('name: pair', `name: pair${number}`);
        const answer = await askMesh(mesh, 'POST', '/mesh/workflows', { yaml });
        return answer.status === 200 ? 'ok' : answer.refusal().rule;
      };
      for (let number = 0; number < 19; number += 1) await propose(number);
      rules.push(...(await Promise.all([propose(19), propose(20)])), await propose(0));
      const held = mesh.request({ ':method': 'POST', ':path': '/mesh/workflows' }, { endStream: false });
      const answer = text(held);
      held.write('{');
      // Answered after it is known to the host.
      await askMesh(mesh, 'GET', '/mesh/agents');
      agents.set('lead', { ...lead, permissions: { ...lead.permissions, allowed_apis: [] } });
      held.end(`${JSON.stringify({ yaml: PAIR }).slice(1)}`);
      rules.push(JSON.parse(await answer).error.rule);
      end('ok');
    },
  });
  await host.fixture.trace((await host.fixture.send('lead', 'go')).messageId);
  const [first, second, ...rest] = rules;
  assert.deepEqual([first, second].toSorted(), ['ok', 'workflow.proposals']);
  assert.deepEqual(rest, ['ok', 'permissions.lead.allowed_apis']);
});

test('a topic starts what it triggers, in its own team alone, and once for an event', async () => {
  const published: number[] = [];
  await using host = await startWorkflowHost({
    workflows: { pair: PAIR.replace('name: pair\n', 'name: pair\ntrigger: new_lead\n') },
    async turn(turn) {
      if (turn.text !== 'go') return say(turn, { n: 0 });
      const event = { topic: 'new_lead', payload: { n: 1 }, idempotencyKey: 'e' };
      for (let times = 0; times < 2; times += 1)
        published.push((await askMesh(turn.mesh, 'POST', '/mesh/publish', event)).status);
      turn.end('ok');
    },
  });
  const { fixture } = host;
  const runs = async () => (await fixture.ask('GET', '/api/workflow-runs')).as(WorkflowRunList).runs;
  // Not accepted: nothing listens.
  await fixture.trace((await fixture.send('lead', 'go')).messageId);
  assert.deepEqual(await runs(), []);
  await host.accept('pair');
  await fixture.trace((await fixture.send('rival', 'go')).messageId);
  assert.deepEqual(await runs(), []);
  // The trace settles when the run that it started is over.
  const { messageId, traceId } = await fixture.send('lead', 'go');
  const events = await fixture.trace(messageId);
  assert.equal(events.at(-1)?.event.type, 'trace_settled');
  const [run, ...more] = await runs();
  assert.deepEqual([run?.status, run?.startedBy, run?.how, run?.traceId], ['done', 'lead', 'topic', traceId]);
  assert.equal(more.length, 0);
  assert.deepEqual(published, [200, 200, 200, 200, 200, 200]);
});

test('a hand-off to a workflow starts it, and what it came to returns to who handed on', async () => {
  const heard: string[] = [];
  const answers: (Awaited<ReturnType<typeof askMesh>> | undefined)[] = [];
  await using host = await startWorkflowHost({
    workflows: { pair: PAIR.replace('name: pair\n', 'name: pair\ntrigger: handoff\n') },
    async turn(turn) {
      if (turn.agent === 'worker') return say(turn, { n: 7 });
      heard.push(turn.text);
      if (turn.text !== 'go') return turn.end('thank you');
      const handed = { to: 'workflow:pair', task: '{"n": 1}', idempotencyKey: 'k' };
      const [first, again] = [1, 2].map(() => askMesh(turn.mesh, 'POST', '/mesh/handoff', handed));
      answers.push(await (first ?? again), await (again ?? first));
      turn.end('handed on');
    },
  });
  const { fixture } = host;
  await host.accept('pair');
  for (const agent of ['rival', 'helper']) await fixture.trace((await fixture.send(agent, 'go')).messageId);
  const rules = answers.map((answer) => answer?.refusal().rule);
  assert.deepEqual(rules, [
    'teams',
    'teams',
    'permissions.helper.can_message',
    'permissions.helper.can_message',
  ]);
  answers.length = 0;
  const { messageId, traceId } = await fixture.send('lead', 'go');
  const events = await fixture.trace(messageId);
  const [first, again] = answers.map((answer) => answer?.as(HandoffAnswer));
  assert.deepEqual(first, again);
  assert.equal(first?.to, 'workflow:pair');
  const [returned, ...others] = heard.filter((text) => text !== 'go');
  assert.match(returned ?? '', /^The workflow pair that you started .* is done\. Its results: .*"n":7/);
  assert.equal(others.length, 0);
  assert.equal(events.at(-1)?.event.type, 'trace_settled');
  const started = events.find(({ event }) => event.type === 'workflow_started');
  assert.equal(started?.traceId, traceId);
});

test('a host that ends takes its runs up again, and no step is done twice', async () => {
  const done: string[] = [];
  let first = true;
  const turn = async (turn: FakeTurn) => {
    if (first) {
      first = false;
      await turn.cancelled;
      return;
    }
    done.push(turn.text);
    say(turn, { n: 2 });
  };
  await using held = await startWorkflowHost({ workflows: { pair: PAIR }, turn });
  await held.accept('pair');
  const { run } = await held.run('pair', {});
  // Waits until the agent has it.
  while (first) await new Promise((resolve) => setImmediate(resolve));
  await held.fixture.host.stop();
  await using next = await startWorkflowHost({ workflows: {}, home: held.home, turn });
  const view = await next.over(run.id);
  assert.equal(view.run.status, 'done', JSON.stringify(view.run));
  assert.equal(done.length, 2);
});

test('plan over the control API: grants, a bound, the problems of a file by its name; cancel ends a run', async () => {
  const begun = Promise.withResolvers<void>();
  await using host = await startWorkflowHost({
    workflows: { pair: PAIR, broken: 'name: broken\nsteps:\n  - { id: a, agent: nobody, task_type: x }\n' },
    async turn(turn) {
      begun.resolve();
      await turn.cancelled;
      turn.end('stopped', { status: 'cancelled' });
    },
  });
  const { fixture } = host;
  const plan = async (name: string) =>
    (await fixture.ask('GET', `/api/workflows/${name}/plan`)).as(WorkflowPlanned);
  const before = await plan('pair');
  assert.match(before.plan?.missing[0]?.message ?? '', /no operator has accepted/);
  await host.accept('pair');
  const { plan: good } = await plan('pair');
  assert.ok(good?.mostMicroUsd !== undefined);
  const { plan: none, problems } = await plan('broken');
  assert.equal(none, null);
  assert.deepEqual([problems[0]?.file, problems[0]?.line], ['config/workflows/broken.yaml', 3]);
  assert.equal(
    (await fixture.ask('GET', '/api/workflows/pear/plan')).refusal().remedy,
    'Did you mean "pair"?',
  );
  const { run } = await host.run('pair', {});
  await begun.promise;
  assert.equal(
    (await fixture.ask('POST', `/api/workflow-runs/${run.id}/cancel`, {})).text,
    '{"cancelled":true}',
  );
  assert.equal((await host.over(run.id)).run.status, 'cancelled');
  const late = (await fixture.ask('GET', `/api/workflow-runs/${run.id}`)).as(WorkflowRunView);
  assert.equal(late.steps[0]?.state.status, 'cancelled');
});

test('a workflow for a trigger that nothing listens for yet is shown as that, and runs by hand', async () => {
  await using host = await startWorkflowHost({
    workflows: { pair: PAIR.replace('name: pair\n', 'name: pair\ntrigger: { cron: "0 9 * * 1" }\n') },
    turn: (turn) => say(turn, { n: 0 }),
  });
  const { workflows } = (await host.fixture.ask('GET', '/api/workflows')).as(WorkflowList);
  assert.match(workflows[0]?.note ?? '', /nothing listens for cron yet/);
  await host.accept('pair');
  const { run } = await host.run('pair', {});
  assert.equal((await host.over(run.id)).run.status, 'done');
});
