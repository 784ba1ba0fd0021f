import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import {
  AcceptedWorkflow,
  type ConfigProblem,
  type GraphForm,
  WorkflowGraph,
  WorkflowList,
  WorkflowPlanned,
  WorkflowProblems,
  WorkflowSource,
  WorkflowsChecked,
} from '@openlegion/contract/control-workflow';
import { configPaths } from '@openlegion/contract/installation';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import { visibleLines } from '../approvals/visible-text.ts';
import type { CommandContext } from '../command-context.ts';
import { createControlClient } from '../control/control-client.ts';
import { providersOnDisk } from '../models/known-models.ts';
import { confirm } from '../terminal/confirm.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { askWorkflows } from '../workflow/ask-workflows.ts';
import { planLines } from '../workflow/plan-lines.ts';
import { readText } from '../workflow/read-text.ts';
import { workflowTable } from '../workflow/workflow-table.ts';

const named = (name: string, action = '') => `/api/workflows/${encodeURIComponent(name)}${action}`;

export async function workflowList(
  { home, terminal }: CommandContext,
  options: { json?: boolean },
): Promise<number> {
  const found = await createControlClient(home).json(WorkflowList, { method: 'GET', path: '/api/workflows' });
  if (options.json) terminal.line(JSON.stringify(found, null, 2));
  else {
    terminal.line(workflowTable(found));
    showProblems(found.problems, terminal);
  }
  return 0;
}

/** Exit code 1 where a definition has a problem. Without a file: all that stand in `config/workflows`. */
export async function workflowValidate(
  { home, terminal }: CommandContext,
  file: string | undefined,
  options: { json?: boolean },
): Promise<number> {
  const source = file === undefined ? null : { file: file.slice(-300), yaml: readText(file) };
  const found = await askWorkflows(home, z.union([WorkflowsChecked, WorkflowList, WorkflowProblems]), {
    request:
      source === null
        ? { method: 'GET', path: '/api/workflows' }
        : { method: 'POST', path: '/api/workflows/check', json: source },
    order: () => ({ do: 'validate', home, source }),
  });
  const { problems } = found;
  const inFiles = 'workflows' in found ? found.workflows.filter((one) => one.file !== null).length : 0;
  const name = 'name' in found ? found.name : null;
  if (options.json) terminal.line(JSON.stringify({ problems }, null, 2));
  else if (problems.length > 0) showProblems(problems, terminal);
  else if (name !== null) terminal.line(`${name}: no problem.`);
  else terminal.line(`${'checked' in found ? found.checked : inFiles} workflows, no problem.`);
  return problems.length > 0 ? 1 : 0;
}

/** Exit code 1 where it could not succeed as things are. */
export async function workflowPlan(
  { home, terminal }: CommandContext,
  name: string,
  options: { json?: boolean },
): Promise<number> {
  const planned = await askWorkflows(home, WorkflowPlanned, {
    request: { method: 'GET', path: named(name, '/plan') },
    order: () => ({ do: 'plan', home, name, providers: providersOnDisk(home) }),
  });
  const { plan, problems } = planned;
  if (options.json) terminal.line(JSON.stringify(planned, null, 2));
  else {
    if (plan) for (const line of planLines(plan)) terminal.line(line);
    showProblems(plan ? plan.missing : problems, terminal);
    if (plan && plan.missing.length === 0) terminal.line('Nothing known stands in its way.');
    if (plan && plan.unknown.length > 0)
      terminal.line(`Not known without a running host: ${plan.unknown.join('; ')}.`);
  }
  return plan && plan.missing.length === 0 ? 0 : 1;
}

export async function workflowGraph(
  { home, terminal }: CommandContext,
  name: string,
  options: { as: GraphForm },
): Promise<number> {
  const { text } = await askWorkflows(home, WorkflowGraph, {
    request: { method: 'GET', path: named(name, `/graph?as=${options.as}`) },
    order: () => ({ do: 'graph', home, name, as: options.as }),
  });
  terminal.output.write(text);
  return 0;
}

/**
 * Accepts what has this hash: shown whole first, unless the hash itself was given. A proposal is written to
 * `config/workflows`, where every workflow stands.
 */
export async function workflowAccept(
  { home, terminal }: CommandContext,
  nameOrHash: string,
  options: { yes?: boolean },
): Promise<number> {
  const control = createControlClient(home);
  const { summary, yaml } = await control.json(WorkflowSource, { method: 'GET', path: named(nameOrHash) });
  const { name, hash, file, acceptedBy, proposedBy } = summary;
  if (acceptedBy !== null && file !== null) {
    terminal.line(`${name} (${hash}) is accepted already, by ${acceptedBy}.`);
    return 0;
  }
  terminal.line(
    `${name}, SHA-256 ${hash}${proposedBy === null ? '' : `, proposed by the agent ${proposedBy}`}:`,
  );
  for (const line of visibleLines(yaml)) terminal.line(`│ ${line}`);
  if (nameOrHash !== hash && !(await agreed(hash, options.yes === true, terminal))) {
    terminal.line('Nothing was accepted.');
    return 1;
  }
  if (file === null) writeProposal(home, name, yaml, terminal);
  const accepted = await control.json(AcceptedWorkflow, {
    ...{ method: 'POST', path: named(hash, '/accept'), json: {} },
  });
  terminal.line(`Accepted by ${accepted.acceptedBy}: ${name} can run.`);
  return 0;
}

async function agreed(hash: string, yes: boolean, terminal: Terminal): Promise<boolean> {
  if (yes || terminal.interactive) return confirm(terminal, 'Let this definition run from now on?', yes);
  throw new OpenLegionError({
    code: 'bad_request',
    rule: 'cli.workflow.accept',
    message: 'Without a terminal, a workflow is accepted by its hash.',
    remedy: `After reading it: ./openlegion workflow accept ${hash}`,
  });
}

function writeProposal(home: string, name: string, yaml: string, terminal: Terminal): void {
  const directory = `${configPaths(home).directory}/workflows`;
  const path = `${directory}/${name}.yaml`;
  if (existsSync(path))
    throw new OpenLegionError({
      code: 'conflict',
      rule: 'cli.workflow.accept',
      message: `config/workflows/${name}.yaml holds another definition.`,
      remedy: 'Move it away, or rename one of the two, and accept again.',
    });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(path, yaml, { flag: 'wx', mode: 0o600 });
  terminal.line(`Written to ${path}.`);
}

export async function workflowRevoke(
  { home, terminal }: CommandContext,
  nameOrHash: string,
): Promise<number> {
  const { name, hash } = await createControlClient(home).json(AcceptedWorkflow, {
    ...{ method: 'POST', path: named(nameOrHash, '/accept'), json: { accepted: false } },
  });
  terminal.line(`${name} (${hash.slice(0, 12)}) starts no more; runs that go on, go on.`);
  return 0;
}

function showProblems(problems: readonly ConfigProblem[], terminal: Terminal): void {
  for (const { file, line, column, message, remedy } of problems) {
    terminal.line(`${terminal.style('red', `${file}:${line}:${column}:`)} ${message}`);
    terminal.line(`    ${remedy}`);
  }
}
