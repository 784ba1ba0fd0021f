import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadWorkflow, loadWorkflows } from './load-workflows.ts';
import { temporaryHome } from './test/workflow-fixture.ts';

const AGENTS = new Map([
  ['research', { capabilities: ['prospect-research'] }],
  ['qualify', { capabilities: [] }],
]);

const load = (text: string) => loadWorkflow({ file: 'w.yaml', text, agents: AGENTS });
function problemsOf(text: string): string[] {
  const loaded = load(text);
  return loaded.ok
    ? []
    : loaded.problems.map(({ line, column, message, remedy }) => `${line}:${column} ${message} → ${remedy}`);
}
/** A workflow whose second step has these lines more, from line 6 on. */
const withStep = (...lines: string[]) =>
  [
    'name: w',
    'steps:',
    '  - { id: research, agent: research, task_type: r }',
    '  - id: second',
    '    task_type: q',
  ]
    .concat(lines.map((line) => `    ${line}`))
    .join('\n');

test('the example of the documentation is read, with the defaults that users know', () => {
  const loaded = load(`
name: prospect_pipeline
trigger: new_prospect
timeout: 600
steps:
  - { id: research, agent: research, task_type: research_prospect, input_from: trigger.payload }
  - { id: qualify, agent: qualify, task_type: qualify_lead, depends_on: [research], condition: "research.result.score >= 5" }
on_complete: prospect_done
`);
  assert.ok(loaded.ok);
  const { definition, hash, steps } = loaded.loaded.workflow;
  const qualify = definition.steps[1];
  assert.deepEqual(
    [qualify?.timeout, qualify?.on_failure, qualify?.approval_timeout, definition.timeout],
    [120, 'abort', 3600, 600],
  );
  assert.equal(steps.get('qualify')?.maxRetries, 0);
  assert.match(hash, /^[0-9a-f]{64}$/);
});

test('the hash is of what it means, not of how it is written', () => {
  const hash = (text: string) => {
    const loaded = load(text);
    assert.ok(loaded.ok);
    return loaded.loaded.workflow.hash;
  };
  const one = hash('name: w\nsteps: [{ id: a, agent: research, task_type: r }]');
  assert.equal(
    one,
    hash('steps:\n  - task_type: "r"\n    agent: research\n    id: a\n    timeout: 120\nname: w # x'),
  );
  assert.notEqual(one, hash('name: w\nsteps: [{ id: a, agent: research, task_type: r, timeout: 121 }]'));
});

for (const [what, text, expected] of [
  ['an unknown key', withStep('agent: qualify', 'retrys: 3'), '7:5 unknown key "retrys"'],
  [
    'a misspelt key',
    withStep('agent: qualify', 'fallback_agnet: research'),
    'Did you mean "fallback_agent"?',
  ],
  ['a key twice', withStep('agent: qualify', 'agent: research'), '7:5 Map keys must be unique → Keep one'],
  ['an unknown agent', withStep('agent: qualfy'), '6:5 no agent is named "qualfy" → Did you mean "qualify"?'],
  ['nobody named', withStep(), '4:5 nobody is named to do this → Write either agent or capability.'],
  ['an agent and a capability', withStep('agent: qualify', 'capability: prospect-research'), '7:5 both'],
  ['a capability nobody has', withStep('capability: prospect-reserch'), '6:5 no agent has the capability'],
  [
    'an unknown dependency',
    withStep('agent: qualify', 'depends_on: [reserch]'),
    '7:18 "reserch" is not a step → Did you mean "research"?',
  ],
  [
    'the second of two dependencies',
    withStep('agent: qualify', 'depends_on: [research, reserch]'),
    '7:28 "reserch"',
  ],
  [
    'a cycle',
    withStep('agent: qualify', 'depends_on: [second]'),
    '7:5 the steps wait for each other: second → second',
  ],
  ['an id twice', withStep('agent: qualify').replace('second', 'research'), '4:5 a second step "research"'],
  ['a reserved id', withStep('agent: qualify').replace('second', 'trigger'), '4:5 "steps.1.id"'],
  [
    'no fallback_agent',
    withStep('agent: qualify', 'on_failure: fallback'),
    '7:5 step "second" falls back to nobody',
  ],
  [
    'an unknown fallback_agent',
    withStep('agent: qualify', 'on_failure: fallback', 'fallback_agent: ressearch'),
    '8:5 no agent',
  ],
  [
    'a useless fallback_agent',
    withStep('agent: qualify', 'fallback_agent: research'),
    '7:5 fallback_agent is never used',
  ],
  [
    'an unknown policy',
    withStep('agent: qualify', 'on_failure: ignore'),
    '7:5 "steps.1.on_failure" is "ignore" → Write one of: abort, retry, skip, fallback, continue.',
  ],
  [
    'input_from that is nothing',
    withStep('agent: qualify', 'input_from: payload'),
    '7:17 input_from: "payload" is not a step',
  ],
  [
    'input_from with a wrong field',
    withStep('agent: qualify', 'input_from: research.output'),
    '7:17 input_from: "research.output" is not something to read',
  ],
  [
    'input_from of no dependency',
    withStep('agent: qualify', 'input_from: research.result'),
    '7:17 input_from: "second" does not depend on "research", which may not have run → Add research',
  ],
  [
    'input_from of a misspelt step',
    withStep('agent: qualify', 'depends_on: [research]', 'input_from: reserch'),
    'Did you mean "research"?',
  ],
  [
    'an input that is not declared',
    withStep('agent: qualify', 'for_each: inputs.leads'),
    '7:15 for_each: "leads" is not an input',
  ],
  [
    'a key that leaves its place',
    withStep('agent: qualify', 'input_from: blackboard://context/../x'),
    '7:17 input_from:',
  ],
  [
    'a condition that does not parse',
    withStep('agent: qualify', 'depends_on: [research]', 'condition: "research.result.score >="'),
    '8:41 condition: Unexpected token: EOF',
  ],
  [
    'a condition on a stranger',
    withStep('agent: qualify', 'condition: research.result.score > 5'),
    '7:16 condition: Unknown variable: research → Only steps',
  ],
  [
    'a condition that is a text',
    withStep('agent: qualify', 'condition: \'"yes"\''),
    '7:17 condition: the condition is string',
  ],
  [
    'a condition with matches()',
    withStep(
      'agent: qualify',
      'depends_on: [research]',
      'condition: research.status == "done" && research.result.name.matches("(a+)+")',
    ),
    '8:45 condition: matches() cannot be used in a condition → Use contains()',
  ],
  ['a negative timeout', withStep('agent: qualify', 'timeout: -1'), '7:5 "steps.1.timeout" is too small'],
  [
    'too many retries',
    withStep('agent: qualify', 'max_retries: 1000'),
    '7:5 "steps.1.max_retries" is too large',
  ],
  [
    'text for a number',
    withStep('agent: qualify', 'timeout: 2m'),
    '7:5 "steps.1.timeout" is "2m" → Write a number.',
  ],
  [
    'an alias bomb',
    `${withStep('agent: qualify')}\nx: &a [1]\ny: [${'*a,'.repeat(200)}]`,
    'too many aliases',
  ],
  ['a tag', withStep('agent: !!js/function "x"'), '6:12 Unresolved tag'],
  [
    'a handler to nobody',
    `${withStep('agent: qualify')}\non_failure: { agent: nobody, task_type: x }`,
    '7:15 no agent is named "nobody"',
  ],
] as const)
  test(`an error has its place and a remedy: ${what}`, () => {
    const problems = problemsOf(text);
    assert.ok(problems[0]?.includes(expected), problems.join('\n'));
  });

test('a type error in a condition is found against output_schema', () => {
  const condition = (text: string) =>
    problemsOf(`name: w
steps:
  - id: research
    agent: research
    task_type: r
    output_schema:
      type: object
      required: [score]
      properties: { score: { type: number }, tags: { type: array, items: { type: string } } }
  - { id: q, agent: qualify, task_type: q, depends_on: [research], condition: '${text}' }
`);
  for (const good of [
    'research.result.score >= 5',
    'research.result.score == 5',
    '"hot" in research.result.tags && size(research.result.tags) > 1 || research.status == "skipped"',
    'research.result.?score.orValue(0.0) + 1 > 5',
    'research.result.tags.exists(t, t.startsWith("h"))',
  ])
    assert.deepEqual(condition(good), [], good);
  for (const [bad, message] of [
    ['research.result.scor >= 5', '10:96 condition: No such key: scor → Use a field of the output_schema'],
    ['research.result.score == "high"', 'no such overload: double == string'],
    ['research.result.tags > 1', 'no such overload'],
    ['research.results.score > 1', 'No such key: results'],
    ['5 in research.result.tags', 'no such overload'],
    ['research.result.?score.orValue(0) > 5', 'Write the number as 0.0'],
  ] as const)
    assert.ok(condition(bad)[0]?.includes(message), `${bad}: ${condition(bad)[0]}`);
});

test('one bad file does not keep the others out, and a name is one workflow’s', () => {
  using home = temporaryHome();
  const directory = `${home.path}/workflows`;
  assert.deepEqual(loadWorkflows(directory, AGENTS), { workflows: new Map(), problems: [] });
  mkdirSync(directory);
  writeFileSync(`${directory}/a.yaml`, withStep('agent: qualify'));
  writeFileSync(`${directory}/b.yaml`, 'name: [');
  writeFileSync(`${directory}/c.yml`, withStep('agent: qualify'));
  writeFileSync(`${directory}/.hidden.yaml`, 'name: [');
  const { workflows, problems } = loadWorkflows(directory, AGENTS);
  assert.deepEqual([...workflows.keys()], ['w']);
  assert.deepEqual(
    problems.map(({ file }) => file),
    ['config/workflows/b.yaml', 'config/workflows/c.yml'],
  );
  assert.match(problems[1]?.message ?? '', /the name "w" is that of config\/workflows\/a\.yaml/);
});

test('a thousand steps are checked quickly, in one line of a thousand or all at once', () => {
  const steps = Array.from({ length: 1000 }, (_, index) => {
    const before =
      index === 0 ? '' : `, depends_on: [s${index - 1}], condition: 's${index - 1}.result.n > 1'`;
    return `  - { id: s${index}, agent: research, task_type: r${before} }`;
  });
  const loaded = load(`name: w\nsteps:\n${steps.join('\n')}`);
  assert.ok(loaded.ok);
  const broken = problemsOf(
    `name: w\nsteps:\n${steps.join('\n').replace('id: s0,', 'id: s0, depends_on: [s999],')}`,
  );
  assert.match(broken[0] ?? '', /the steps wait for each other/);
});
