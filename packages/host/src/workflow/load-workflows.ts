import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WorkflowDefinition, type WorkflowHandler } from '@openlegion/contract/workflow';
import type { ConfigProblem } from '../config/config-problem.ts';
import type { AgentSettings } from '../config/fleet-config.ts';
import { nearestName } from '../config/nearest-name.ts';
import { type Locate, parseDocumentAs } from '../config/parse-document.ts';
import { type CompiledWorkflow, compileWorkflow, type DefinitionProblem } from './compile-workflow.ts';

/** A workflow of the configuration, and where its parts stand in its file. */
export interface LoadedWorkflow {
  workflow: CompiledWorkflow;
  file: string;
  /** What was read, and nothing else: it is what an operator is shown. */
  text: string;
  locate: Locate;
}

export interface LoadedWorkflows {
  /** Those without a problem, by name. */
  workflows: ReadonlyMap<string, LoadedWorkflow>;
  problems: readonly ConfigProblem[];
}

const MOST_FILES = 500;

/**
 * Reads `config/workflows/*.yaml`; no such folder is no workflow. A file with a problem is left out and the others
 * are loaded. Every problem has its line and column.
 */
export function loadWorkflows(
  directory: string,
  agents: ReadonlyMap<string, Pick<AgentSettings, 'capabilities'>>,
): LoadedWorkflows {
  const workflows = new Map<string, LoadedWorkflow>();
  const problems: ConfigProblem[] = [];
  for (const name of filesOf(directory)) {
    const file = `config/workflows/${name}`;
    let text: string;
    try {
      text = readFileSync(join(directory, name), 'utf8');
    } catch {
      const remedy = 'Check its owner and permissions.';
      problems.push({ file, line: 1, column: 1, message: 'the file cannot be read', remedy });
      continue;
    }
    const loaded = loadWorkflow({ file, text, agents });
    if (!loaded.ok) problems.push(...loaded.problems);
    else {
      const { definition } = loaded.loaded.workflow;
      const earlier = workflows.get(definition.name);
      if (!earlier) workflows.set(definition.name, loaded.loaded);
      else {
        const message = `the name "${definition.name}" is that of ${earlier.file}`;
        problems.push({ file, ...loaded.loaded.locate(['name']), message, remedy: 'Rename one of the two.' });
      }
    }
  }
  return { workflows, problems };
}

/** One text, from a file or as proposed. */
export function loadWorkflow(source: {
  file: string;
  text: string;
  agents: ReadonlyMap<string, Pick<AgentSettings, 'capabilities'>>;
}): { ok: true; loaded: LoadedWorkflow } | { ok: false; problems: ConfigProblem[] } {
  const { file, text, agents } = source;
  const parsed = parseDocumentAs(WorkflowDefinition, { file, text, json: false });
  if (!parsed.ok) return parsed;
  const { value, locate } = parsed;
  const compiled = compileWorkflow(value);
  const found = [...(compiled.ok ? [] : compiled.problems), ...fleetProblems(value, agents)];
  if (compiled.ok && found.length === 0)
    return { ok: true, loaded: { workflow: compiled.workflow, file, text, locate } };
  const problems = found.map(({ path, within, message, remedy }) => ({
    file,
    ...locate(path, within),
    message,
    remedy,
  }));
  return { ok: false, problems };
}

function filesOf(directory: string): string[] {
  try {
    const names = readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isFile() && /^[^.].*\.ya?ml$/.test(entry.name))
      .map(({ name }) => name);
    return names.toSorted().slice(0, MOST_FILES);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

function fleetProblems(
  definition: WorkflowDefinition,
  agents: ReadonlyMap<string, Pick<AgentSettings, 'capabilities'>>,
): DefinitionProblem[] {
  const names = [...agents.keys()];
  const capabilities = [...agents.values()].flatMap((agent) => agent.capabilities);
  const problems: DefinitionProblem[] = [];
  const known = (path: readonly PropertyKey[], name: string | undefined, what: string, among: string[]) => {
    if (name === undefined || among.includes(name)) return;
    const near = nearestName(name, among);
    const remedy =
      near === null ? `Known are: ${among.slice(0, 20).join(', ') || 'none'}.` : `Did you mean "${near}"?`;
    problems.push({ path, message: `no ${what} "${name}"`, remedy });
  };
  const addressee = (at: readonly PropertyKey[], handler: Exclude<WorkflowHandler, string>) => {
    known([...at, 'agent'], handler.agent, 'agent is named', names);
    known([...at, 'capability'], handler.capability, 'agent has the capability', capabilities);
  };
  for (const [index, step] of definition.steps.entries()) {
    addressee(['steps', index], step);
    known(['steps', index, 'fallback_agent'], step.fallback_agent, 'agent is named', names);
  }
  for (const id of ['on_complete', 'on_failure'] as const) {
    const handler = definition[id];
    if (handler !== undefined && typeof handler !== 'string') addressee([id], handler);
  }
  return problems;
}
