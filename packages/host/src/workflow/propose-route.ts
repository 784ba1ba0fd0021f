import { ProposeWorkflow, type WorkflowProposed } from '@openlegion/contract/mesh-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { formatProblems } from '../config/config-problem.ts';
import type { FleetConfig } from '../config/fleet-config.ts';
import { jsonRoute, type MeshRoute } from '../mesh/mesh-routes.ts';
import type { Definitions } from './definitions.ts';
import { loadWorkflow } from './load-workflows.ts';

const BODY_BYTES = 1024 * 1024;
/** Of one agent, that no operator has accepted: a list that a person can read. */
const MOST_PROPOSALS = 20;

/** Row for the table of mesh routes. What an agent proposes stands beside the others and cannot run. */
export function proposeRoute(parts: {
  config: Pick<FleetConfig, 'agents'>;
  definitions: Definitions;
}): MeshRoute {
  const { config, definitions } = parts;
  return jsonRoute({
    method: 'POST',
    path: '/mesh/workflows',
    zone: 1,
    permission: 'allowed_apis: workflow_propose',
    tool: null,
    atATime: 2,
    schema: ProposeWorkflow,
    maxBytes: BODY_BYTES,
    async run({ name: agent }, _, { yaml }): Promise<WorkflowProposed> {
      const loaded = loadWorkflow({ file: `proposal of ${agent}`, text: yaml, agents: config.agents });
      if (!loaded.ok) throw notAWorkflow(formatProblems(loaded.problems));
      const { workflow } = loaded.loaded;
      if (!(await definitions.propose(workflow, yaml, agent, MOST_PROPOSALS))) throw tooMany();
      return { name: workflow.definition.name, hash: workflow.hash };
    },
  });
}

function notAWorkflow(problems: string): OpenLegionError {
  return new OpenLegionError({
    code: 'bad_request',
    rule: 'workflow.definition',
    message: `This is not a workflow that could run:\n${problems}`.slice(0, 2000),
    remedy: 'Correct it and propose it again.',
  });
}

function tooMany(): OpenLegionError {
  return new OpenLegionError({
    code: 'rate_limited',
    rule: 'workflow.proposals',
    message: `${MOST_PROPOSALS} proposals of this agent wait for an operator already.`,
    remedy: 'Wait until an operator has looked at them: ./openlegion workflow list',
  });
}
