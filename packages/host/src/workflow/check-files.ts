import type { GraphForm, WorkflowPlanned, WorkflowProblems } from '@openlegion/contract/control-workflow';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { WorkflowPlan } from '@openlegion/contract/workflow-run';
import type { FleetConfig } from '../config/fleet-config.ts';
import { nearestName } from '../config/nearest-name.ts';
import type { CompiledWorkflow } from './compile-workflow.ts';
import { drawMermaid, drawSvg, drawText } from './draw-graph.ts';
import { type LoadedWorkflow, type LoadedWorkflows, loadWorkflow } from './load-workflows.ts';

/* What is said of definitions in files, the same by a running host and without one. */

export function checkSource(
  { file, yaml }: { file: string; yaml: string },
  { agents }: Pick<FleetConfig, 'agents'>,
): WorkflowProblems {
  const loaded = loadWorkflow({ file, text: yaml, agents });
  if (!loaded.ok) return { name: null, problems: [...loaded.problems] };
  return { name: loaded.loaded.workflow.definition.name, problems: [] };
}

export function drawGraph(workflow: CompiledWorkflow, as: GraphForm): { text: string } {
  return { text: { mermaid: drawMermaid, svg: drawSvg, text: drawText }[as](workflow) };
}

/** By the name of a definition, or of the file of one with problems, which are then all that can be said. */
export async function planNamed(
  name: string,
  { workflows, problems }: LoadedWorkflows,
  plan: (loaded: LoadedWorkflow) => WorkflowPlan | Promise<WorkflowPlan>,
): Promise<WorkflowPlanned> {
  const loaded = workflows.get(name);
  if (loaded) return { plan: await plan(loaded), problems: [] };
  const its = problems.filter(({ file }) => file.replace(/^.*\/|\.ya?ml$/g, '') === name || file === name);
  if (its.length === 0) throw unknownWorkflow(name, [...workflows.keys()]);
  return { plan: null, problems: its };
}

export function unknownWorkflow(named: string, names: string[]): OpenLegionError {
  const near = nearestName(named, names);
  return new OpenLegionError({
    code: 'not_found',
    rule: 'workflow.name',
    message: `There is no workflow ${JSON.stringify(named.slice(0, 64))}.`,
    remedy: near === null ? 'See "./openlegion workflow list".' : `Did you mean "${near}"?`,
  });
}
