import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentPermissions } from '@openlegion/contract/permissions-config';
import { WorkflowPlan } from '@openlegion/contract/workflow-run';
import { drawMermaid, drawSvg, drawText } from './draw-graph.ts';
import { loadWorkflow } from './load-workflows.ts';
import { type PlanParts, planWorkflow } from './plan-workflow.ts';

const agent = (permissions: object, capabilities: string[] = []) => ({
  capabilities,
  permissions: AgentPermissions.parse(permissions),
  permissionsRecord: 'writer',
});
const parts: PlanParts = {
  agents: new Map([
    ['writer', agent({ allowed_apis: ['llm'], blackboard_read: ['context/lead_*'] }, ['prose'])],
    ['editor', agent({})],
  ]),
  taskBoundMicroUsd: (name) => (name === 'writer' ? 1000 : 5000),
  leastCallMicroUsd: () => 10,
  agentLeftMicroUsd: () => 1_000_000_000,
  budgetLeftMicroUsd: 1_000_000_000,
  hasApprover: true,
  accepted: true,
};

function load(...steps: string[]) {
  const text = ['name: w', 'steps:', ...steps.map((step) => `  - { ${step} }`)].join('\n');
  const loaded = loadWorkflow({ file: 'config/workflows/w.yaml', text, agents: parts.agents });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.loaded;
}
const plan = (steps: string[], changes: Partial<PlanParts> = {}) =>
  WorkflowPlan.parse(planWorkflow(load(...steps), { ...parts, ...changes }));
const said = ({ missing }: WorkflowPlan) =>
  missing.map(({ file, line, message, remedy }) => `${file}:${line} ${message} → ${remedy}`);

test('a workflow that can run has nothing missing, and a bound over every attempt and entry', () => {
  const made = plan([
    'id: a, agent: writer, task_type: x, input_from: "blackboard://context/lead_{id}"',
    'id: b, capability: prose, task_type: x, depends_on: [a], on_failure: retry',
    'id: c, agent: writer, task_type: x, depends_on: [b], for_each: b.result, max_items: 10, max_retries: 1',
  ]);
  assert.deepEqual(made.missing, []);
  assert.deepEqual(
    made.steps.map(({ mostTasks, mostMicroUsd }) => [mostTasks, mostMicroUsd]),
    [
      [1, 1000],
      [4, 4000],
      [20, 20_000],
    ],
  );
  assert.equal(made.mostMicroUsd, 25_000);
  assert.equal(made.timeoutMs, 600_000);
  assert.equal(made.steps[0]?.grants[1]?.rule, 'permissions.writer.blackboard_read');
});

test('what is missing is named with file, line and remedy', () => {
  for (const [steps, changes, message] of [
    [
      ['id: a, agent: editor, task_type: x'],
      {},
      'config/workflows/w.yaml:3 step "a": editor lacks allowed_apis: llm → ./openlegion permissions grant editor allowed_apis \'llm\'',
    ],
    [
      ['id: a, agent: writer, task_type: x, input_from: "blackboard://context/{id}"'],
      {},
      'writer lacks blackboard_read: context/*',
    ],
    [
      [
        'id: a, agent: writer, task_type: x',
        'id: b, agent: writer, task_type: x, on_failure: fallback, fallback_agent: editor',
      ],
      {},
      'w.yaml:4 step "b": editor lacks allowed_apis',
    ],
    [
      ['id: a, agent: writer, task_type: x, condition: "1 > 2"'],
      {},
      'w.yaml:3 step "a" is never reached: its condition is always false',
    ],
    [
      [
        'id: a, agent: writer, task_type: x, condition: "1 > 2"',
        'id: b, agent: writer, task_type: x, depends_on: [a]',
      ],
      {},
      'w.yaml:4 step "b" is never reached: a is always skipped',
    ],
    [
      ['id: a, agent: writer, task_type: x, requires_approval: true'],
      { hasApprover: false },
      'nobody can give it → Name an approver',
    ],
    [
      ['id: a, agent: writer, task_type: x'],
      { accepted: false },
      'w.yaml:1 no operator has accepted this definition → ./openlegion workflow accept w',
    ],
    [
      ['id: a, agent: writer, task_type: x, on_failure: retry'],
      { budgetLeftMicroUsd: 3999 },
      'w.yaml:2 it can cost',
    ],
    [
      ['id: a, agent: writer, task_type: x'],
      { agentLeftMicroUsd: () => 9 },
      'w.yaml:3 writer may spend $0.000009 more, and one call of its model is reserved with $0.00001 or more → Raise budget of writer',
    ],
    [
      ['id: a, agent: writer, task_type: x'],
      { taskBoundMicroUsd: () => null },
      'there is no bound on the cost',
    ],
  ] as [string[], Partial<PlanParts>, string][]) {
    const problems = said(plan(steps, changes));
    assert.ok(
      problems.some((problem) => problem.includes(message)),
      `${message}\n${problems.join('\n')}`,
    );
  }
  const exact = plan(['id: a, agent: writer, task_type: x, on_failure: retry'], { budgetLeftMicroUsd: 4000 });
  assert.deepEqual(exact.missing, []);
  const bounded = plan(['id: a, agent: writer, task_type: x, on_failure: retry'], {
    agentLeftMicroUsd: () => 2500,
  });
  assert.equal(bounded.mostMicroUsd, 2500);
});

test('the graph is drawn as text, Mermaid and SVG, and nothing in it is markup', () => {
  const { workflow } = load(
    'id: a, agent: writer, task_type: x',
    'id: b, capability: prose, task_type: x, depends_on: [a], condition: "a.result.x == \'<script>]\\"--> s_a\'"',
    'id: c, agent: writer, task_type: x, depends_on: [a, b], requires_approval: true',
  );
  assert.match(
    drawText(workflow),
    /^w \(trigger: manual\)\na +writer\n {2}b +capability:prose \[if .*\] {2}← a\n {4}c/,
  );
  const mermaid = drawMermaid(workflow);
  assert.match(mermaid, /^flowchart TD\n {2}s_a\["a<br\/>writer"\]\n/);
  assert.equal(mermaid.match(/-->/g)?.length, 3);
  const svg = drawSvg(workflow);
  assert.equal(svg.match(/<rect /g)?.length, 3);
  assert.equal(svg.match(/marker-end/g)?.length, 3);
  for (const drawing of [mermaid, svg]) assert.ok(!drawing.includes('<script') && !drawing.includes('"]"'));
});
