/*
 * What can be said of workflows without a running host, from the files alone: a program of its own, run by the command
 * line. Standard input is a `WorkflowOrder`, standard output one `WorkflowAnswer`.
 */
import { text } from 'node:stream/consumers';
import { type WorkflowAnswer, WorkflowOrder } from '@openlegion/contract/control-workflow';
import { configPaths } from '@openlegion/contract/installation';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { loadConfig } from './config/load-config.ts';
import { requireConfig } from './config/require-config.ts';
import { checkSource, drawGraph, planNamed, unknownWorkflow } from './workflow/check-files.ts';
import { loadWorkflows } from './workflow/load-workflows.ts';
import { planParts, unspent } from './workflow/plan-parts.ts';
import { planWorkflow } from './workflow/plan-workflow.ts';

const UNKNOWN = ['whether an operator has accepted it', 'what of its budgets is spent'];

async function follow(order: WorkflowOrder): Promise<WorkflowAnswer> {
  const directory = `${configPaths(order.home).directory}/workflows`;
  if (order.do === 'validate') {
    const loaded = loadConfig(order.home);
    if (!loaded.ok) return { checked: 0, name: null, problems: loaded.problems };
    if (order.source !== null) return { checked: 1, ...checkSource(order.source, loaded.config) };
    const { workflows, problems } = loadWorkflows(directory, loaded.config.agents);
    return { checked: workflows.size, name: null, problems: [...problems] };
  }
  const config = requireConfig(order.home, () => {});
  const found = loadWorkflows(directory, config.agents);
  if (order.do === 'plan') {
    const known = { costs: unspent(config), providers: order.providers, accepted: null };
    return planNamed(order.name, found, (loaded) => ({
      ...planWorkflow(loaded, planParts(loaded, config, known)),
      unknown: UNKNOWN,
    }));
  }
  const loaded = found.workflows.get(order.name);
  if (!loaded) throw unknownWorkflow(order.name, [...found.workflows.keys()]);
  return drawGraph(loaded.workflow, order.as);
}

const say = (answer: WorkflowAnswer) => void process.stdout.write(JSON.stringify(answer));
try {
  say(await follow(WorkflowOrder.parse(JSON.parse(await text(process.stdin)))));
} catch (error) {
  if (!(error instanceof OpenLegionError)) throw error;
  say({ failed: error.refusal });
}
