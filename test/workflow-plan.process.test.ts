import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { WorkflowPlanned } from '@openlegion/contract/control-workflow';
import { configPaths } from '@openlegion/contract/installation';
import { removeSupervisorFile } from '../packages/cli/src/supervisor/supervisor-file.ts';
import { runOpenLegion } from './harness/command-line.ts';
import { startInstallation, type TestInstallation } from './harness/installation.ts';
import { standInSupervisor } from './harness/stand-in-supervisor.ts';

/* `openlegion workflow` as a person runs it, against a host of its own, without a container engine. */

const AGENTS = `agents:
  writer: { model: scripted/a }
  mute: { model: scripted/a }
  poor: { model: scripted/a, budget: { daily_usd: 0.00001 } }
`;
const good = (steps: string) => `name: NAME\ndescription: >\n  A test.\nsteps:\n${steps}`;
const FILES: Record<string, string> = {
  good: good(
    '  - { id: a, agent: writer, task_type: x }\n  - { id: b, agent: writer, task_type: x, depends_on: [a] }\n',
  ),
  lacks: good(
    '  - { id: a, agent: writer, task_type: x }\n  - { id: b, agent: mute, task_type: x, depends_on: [a] }\n',
  ),
  dear: good('  - { id: a, agent: poor, task_type: x }\n'),
  cycle: good(
    '  - { id: a, agent: writer, task_type: x, depends_on: [b] }\n  - { id: b, agent: writer, task_type: x, depends_on: [a] }\n',
  ),
  unreached: good(
    '  - { id: a, agent: writer, task_type: x }\n  - { id: b, agent: writer, task_type: x, depends_on: [a], condition: "1 > 2" }\n',
  ),
  mistyped:
    good(`  - { id: a, agent: writer, task_type: x, output_schema: { type: object, properties: { score: { type: number } } } }
  - { id: b, agent: writer, task_type: x, depends_on: [a], condition: "a.result.score == 'high'" }
`),
};

let installation: TestInstallation;
let standIn: Disposable | undefined;
before(async () => {
  // No engine: what is tried needs none, and none is to be touched.
  process.env.DOCKER_HOST = 'unix:///nonexistent/docker.sock';
  installation = await startInstallation({
    agents: AGENTS,
    mesh: 'llm: { default_model: scripted/a }\n',
    permissions: { permissions: { writer: { allowed_apis: ['llm'] }, poor: { allowed_apis: ['llm'] } } },
    scripts: { a: 'otherwise: { text: hello }' },
  });
  const { home } = installation;
  const directory = `${configPaths(home).directory}/workflows`;
  mkdirSync(directory);
  for (const [name, yaml] of Object.entries(FILES))
    writeFileSync(`${directory}/${name}.yaml`, yaml.replace('NAME', name));
  standIn = standInSupervisor(installation);
});
after(async () => {
  standIn?.[Symbol.dispose]();
  await installation[Symbol.asyncDispose]();
});

const openlegion = (...args: string[]) => runOpenLegion(installation.home, args);

test('plan names what stands in the way, each with file, line and remedy, and its exit code is 1', async () => {
  for (const name of ['lacks', 'dear', 'unreached'])
    assert.equal((await openlegion('workflow', 'accept', name, '--yes')).code, 0);
  for (const [name, expected] of [
    [
      'lacks',
      /config\/workflows\/lacks\.yaml:6:\d+: step "b": mute lacks allowed_apis: llm\n +\.\/openlegion permissions grant mute allowed_apis 'llm'/,
    ],
    [
      'dear',
      /config\/workflows\/dear\.yaml:5:\d+: poor may spend \$0\.00001 more, and one call of its model is reserved with \$0\.\d+ or more\n +Raise budget of poor/,
    ],
    [
      'cycle',
      /config\/workflows\/cycle\.yaml:\d+:\d+: the steps wait for each other: (?:a → b → a|b → a → b)\n +Remove one of these dependencies/,
    ],
    [
      'unreached',
      /config\/workflows\/unreached\.yaml:6:\d+: step "b" is never reached: its condition is always false\n +Correct the condition, or remove the step/,
    ],
    ['mistyped', /config\/workflows\/mistyped\.yaml:6:\d+: condition: .*\n +\S/],
  ] as const) {
    const planned = await openlegion('workflow', 'plan', name);
    assert.match(planned.stdout, expected, planned.shown);
    assert.equal(planned.code, 1, name);
  }
});

test('what is not accepted is said to be that; accepted, its plan has nothing missing and exit code 0', async () => {
  const before = await openlegion('workflow', 'plan', 'good');
  assert.match(
    before.stdout,
    /no operator has accepted this definition\n +\.\/openlegion workflow accept good/,
  );
  assert.equal(before.code, 1);
  const unread = await openlegion('workflow', 'accept', 'good');
  assert.equal(unread.code, 1);
  const hash = /workflow accept ([0-9a-f]{64})/.exec(unread.stderr)?.[1] ?? '';
  assert.match(unread.stdout, /│ name: good\n/);
  const accepted = await openlegion('workflow', 'accept', hash);
  assert.match(accepted.stdout, /Accepted by operator: good can run/);
  const planned = await openlegion('workflow', 'plan', 'good');
  assert.equal(planned.code, 0, planned.shown);
  assert.match(planned.stdout, /Nothing known stands in its way/);
  assert.match(planned.stdout, /At most \$/);
});

test('without a running host the files are checked and drawn all the same, and a plan says what it does not know', async () => {
  const file = `${configPaths(installation.home).directory}/workflows/good.yaml`;
  const asked = [
    ['validate'],
    ['validate', file],
    ['validate', file.replace('good', 'cycle'), '--json'],
    ['graph', 'good', '--as', 'svg'],
    ['graph', 'goof'],
    ['plan', 'cycle', '--json'],
    ['plan', 'nosuch'],
  ];
  const ask = async (args: string[]) => {
    const { code, stdout, stderr } = await openlegion('workflow', ...args);
    return { args, code, stdout, stderr };
  };
  const plan = async (name: string) => {
    const { code, stdout } = await openlegion('workflow', 'plan', name, '--json');
    return { code, ...WorkflowPlanned.parse(JSON.parse(stdout)) };
  };
  const withHost = await Promise.all(asked.map(ask));
  const known = await plan('lacks');
  standIn?.[Symbol.dispose]();
  standIn = undefined;
  removeSupervisorFile(installation.home);
  assert.deepEqual(await Promise.all(asked.map(ask)), withHost);
  const { code, plan: alone } = await plan('lacks');
  assert.deepEqual([known.code, code], [1, 1]);
  assert.deepEqual({ ...alone, unknown: [] }, known.plan);
  assert.equal(alone?.unknown.length, 2);
  const good = await openlegion('workflow', 'plan', 'good');
  assert.equal(good.code, 0, good.shown);
  assert.match(good.stdout, /Not known without a running host: whether an operator has accepted it; what/);
  const empty = await runOpenLegion(`${installation.home}/none`, ['workflow', 'validate']);
  assert.equal(empty.code, 1);
  assert.match(empty.stdout, /^config\/mesh\.yaml:1:1: the file is missing\n +Run/);
  standIn = standInSupervisor(installation);
});

test('validate, list and graph; a proposal cannot be run by its name', async () => {
  const all = await openlegion('workflow', 'validate');
  assert.equal(all.code, 1);
  assert.match(all.stdout, /cycle\.yaml/);
  assert.match(all.stdout, /mistyped\.yaml/);
  const one = await openlegion(
    'workflow',
    'validate',
    `${configPaths(installation.home).directory}/workflows/good.yaml`,
  );
  assert.deepEqual([one.code, one.stdout], [0, 'good: no problem.\n']);
  const listed = await openlegion('workflow', 'list', '--json');
  assert.equal(JSON.parse(listed.stdout).workflows.length, 4);
  for (const [form, expected] of [
    ['text', /^good \(trigger: manual\)\na {2}/],
    ['mermaid', /^flowchart TD/],
    ['svg', /^<svg /],
  ] as const)
    assert.match((await openlegion('workflow', 'graph', 'good', '--as', form)).stdout, expected);
  const none = await openlegion('workflow', 'run', 'nosuch');
  assert.equal(none.code, 1);
  assert.match(none.stderr, /There is no workflow "nosuch"/);
  assert.equal((await openlegion('approvals', 'list')).stdout, 'Nothing waits for a person.\n');
});
