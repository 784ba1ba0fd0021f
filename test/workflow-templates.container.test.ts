import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { FleetEvent } from '@openlegion/contract/control-api';
import { ApprovalView } from '@openlegion/contract/control-approvals';
import { WorkflowPlanned, WorkflowRunStarted, WorkflowRunView } from '@openlegion/contract/control-workflow';
import { configPaths, dataPaths } from '@openlegion/contract/installation';
import { startInstallation, type TestInstallation } from './harness/installation.ts';

/* The pipelines of the templates over real containers and the scripted model: as workflows, and as free fleets. */

const example = (name: string): string =>
  readFileSync(new URL(`../examples/${name}`, import.meta.url), 'utf8');

interface Pipeline {
  template: string;
  workflow: string;
  payload: unknown;
  /** Steps that are to be done, and the one that is to be skipped. */
  done: string[];
  skipped: string[];
  /** As a free fleet: what the first agent is told, and what the last one says. */
  first: string;
  files?: Record<string, string>;
  told: string;
  last: string;
  says: RegExp;
}

const PIPELINES: Pipeline[] = [
  {
    template: 'sales',
    workflow: 'prospect_pipeline',
    payload: JSON.parse(example('prospect.json')),
    done: ['research', 'qualify', 'write'],
    skipped: [],
    first: 'researcher',
    files: { 'prospects.csv': example('prospects.csv') },
    told: 'Work through prospects.csv please.',
    last: 'outreach',
    says: /I wrote \d+ messages in \d+ languages/,
  },
  {
    template: 'devteam',
    workflow: 'feature',
    payload: { wish: 'a function that makes a slug of a title' },
    done: ['specify', 'build', 'review'],
    skipped: ['rework'],
    first: 'pm',
    told: 'We need a function that makes a slug of a title.',
    last: 'reviewer',
    says: /^Approved/,
  },
  {
    template: 'content',
    workflow: 'article',
    payload: JSON.parse(example('article.json')),
    done: ['facts', 'draft', 'edit', 'release'],
    skipped: [],
    first: 'researcher',
    told: `Please make an article of this. ${JSON.stringify(JSON.parse(example('article.json')))}`,
    last: 'editor',
    says: /^The article Running agents that can be trusted is ready, in \d+ words/,
  },
];

/** An installation as the first run writes it from a template, with the scripted model. */
function startTemplate(template: string): Promise<TestInstallation> {
  const directory = new URL(`../packages/cli/templates/${template}/`, import.meta.url);
  const text = (path: string) => readFileSync(new URL(path, directory), 'utf8');
  const scripts = readdirSync(new URL('scripts', directory));
  return startInstallation({
    agents: text('agents.yaml').replaceAll('memory_limit: 384m', 'memory_limit: 384m, disk_limit: 32m'),
    mesh: text('mesh.yaml'),
    permissions: JSON.parse(text('permissions.json')),
    scripts: Object.fromEntries(scripts.map((name) => [name.slice(0, -5), text(`scripts/${name}`)])),
  });
}

function addWorkflow({ home }: TestInstallation, { template, workflow }: Pipeline): void {
  const directory = `${configPaths(home).directory}/workflows`;
  mkdirSync(directory, { recursive: true });
  const from = new URL(`../packages/cli/templates/${template}/workflows/${workflow}.yaml`, import.meta.url);
  writeFileSync(`${directory}/${workflow}.yaml`, readFileSync(from));
}

async function runWorkflow(
  { control }: TestInstallation,
  name: string,
  payload: unknown,
): Promise<WorkflowRunView> {
  const post = async (path: string, body: unknown) => (await control.call('POST', path, body)).json();
  await post(`/api/workflows/${name}/accept`, {});
  const planned = WorkflowPlanned.parse((await control.call('GET', `/api/workflows/${name}/plan`)).json());
  assert.deepEqual(planned.plan?.missing, [], 'the template is ready to run');
  const { run } = WorkflowRunStarted.parse(await post(`/api/workflows/${name}/runs`, { payload }));
  for (;;) {
    const path = `/api/workflow-runs/${run.id}?wait=2`;
    const view = WorkflowRunView.parse((await control.call('GET', path)).json());
    if (view.run.phase === 'over') return view;
    for (const { id } of view.approvals) {
      const { hash } = ApprovalView.parse((await control.call('GET', `/api/approvals/${id}`)).json());
      await post(`/api/approvals/${id}/answer`, { approve: true, hash });
    }
  }
}

async function putFile({ home, control }: TestInstallation, agent: string, name: string, text: string) {
  const token = readFileSync(dataPaths(home).controlToken, 'utf8').trim();
  const url = `http://127.0.0.1:${control.port}/api/agents/${agent}/workspace/${name}`;
  const put = await fetch(url, { method: 'PUT', headers: { authorization: `Bearer ${token}` }, body: text });
  assert.equal(put.status, 204, await put.text());
}

const lastOf = (events: readonly FleetEvent[], agent: string) =>
  events.findLast((event) => event.agent === agent && event.event.type === 'message_settled')?.event;

for (const pipeline of PIPELINES) {
  test(`${pipeline.template}: the workflow and the free fleet end well`, { timeout: 240_000 }, async () => {
    const { workflow, payload, done, skipped, first, told, last, says, files = {} } = pipeline;
    await using installation = await startTemplate(pipeline.template);
    addWorkflow(installation, pipeline);
    const view = await runWorkflow(installation, workflow, payload);
    const statuses = Object.fromEntries(view.steps.map(({ id, state }) => [id, state.status]));
    const wanted = [...done.map((id) => [id, 'done']), ...skipped.map((id) => [id, 'skipped'])];
    assert.deepEqual([view.run.status, statuses], ['done', Object.fromEntries(wanted)], JSON.stringify(view));
    assert.ok(view.run.costMicroUsd > 0, 'what the run cost is known');

    for (const [name, text] of Object.entries(files)) await putFile(installation, first, name, text);
    const { view: message, events } = await installation.control.ask(first, told);
    assert.equal(message.status, 'done', JSON.stringify(message.refusal));
    const settled = lastOf(events, last);
    assert.ok(settled?.type === 'message_settled' && settled.status === 'done', JSON.stringify(settled));
    assert.match(settled.reply ?? '', says);
  });
}
