import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { AgentsConfig } from '@openlegion/contract/agents-config';
import { WorkflowRunStarted, WorkflowRunView } from '@openlegion/contract/control-workflow';
import { MeshConfig } from '@openlegion/contract/mesh-config';
import { PermissionsConfig } from '@openlegion/contract/permissions-config';
import type { FleetConfig } from '../../config/fleet-config.ts';
import { settingsOf } from '../../config/load-config.ts';
import type { FakeTurn } from '../../fleet/test/fake-backend.ts';
import { type Fixture, startFixture } from '../../test/host-fixture.ts';

/** `lead` may hand on, publish and propose, `careful` too, but is asked about; `worker` and `helper` do tasks; `rival` is another team's. */
export function workflowConfig(mesh: object = {}): FleetConfig {
  const parsed = MeshConfig.parse({ llm: { default_model: 'scripted/a' }, ...mesh });
  const agents = AgentsConfig.parse({
    agents: {
      lead: { team: 'red' },
      worker: { team: 'red', capabilities: ['sum'] },
      helper: { team: 'red' },
      careful: { team: 'red' },
      rival: { team: 'blue' },
    },
  });
  const all = { can_publish: ['**'], can_message: ['**'], allowed_apis: ['llm', 'workflow_propose'] };
  const permissions = PermissionsConfig.parse({
    permissions: {
      lead: all,
      careful: { ...all, allowed_tools: { exec: 'ask', hand_off: 'ask', read_file: 'allow' } },
      worker: { allowed_apis: ['llm'], blackboard_read: ['context/*'] },
      helper: { allowed_apis: ['llm'] },
      rival: all,
    },
  });
  return { mesh: parsed, agents: settingsOf(parsed, agents, permissions), extraRootsPem: null };
}

export interface WorkflowHost extends AsyncDisposable {
  fixture: Fixture;
  home: string;
  write(name: string, yaml: string): void;
  accept(name: string): Promise<void>;
  run(name: string, payload?: unknown, key?: string): Promise<WorkflowRunStarted>;
  /** Waits for the end of a run. */
  over(run: string): Promise<WorkflowRunView>;
}

/** A whole host with workflows in its configuration. */
export async function startWorkflowHost(options: {
  turn: (turn: FakeTurn) => void | Promise<void>;
  workflows: Record<string, string>;
  mesh?: object;
  config?: FleetConfig;
  home?: string;
}): Promise<WorkflowHost> {
  const home = options.home ?? mkdtempSync(`${tmpdir()}/openlegion-workflows-`);
  const write = (name: string, yaml: string) => {
    mkdirSync(`${home}/config/workflows`, { recursive: true });
    writeFileSync(`${home}/config/workflows/${name}.yaml`, yaml);
  };
  for (const [name, yaml] of Object.entries(options.workflows)) write(name, yaml);
  const config = options.config ?? workflowConfig(options.mesh);
  const fixture = await startFixture({ home, config, readConfig: () => config, turn: options.turn });
  return {
    fixture,
    home,
    write,
    async accept(name) {
      const answer = await fixture.ask('POST', `/api/workflows/${name}/accept`, {});
      if (answer.status !== 200) throw new Error(answer.text);
    },
    async run(name, payload = null, key) {
      const answer = await fixture.ask('POST', `/api/workflows/${name}/runs`, {
        payload,
        idempotencyKey: key,
      });
      if (answer.status !== 202) throw new Error(answer.text);
      return answer.as(WorkflowRunStarted);
    },
    over: async (run) => (await fixture.ask('GET', `/api/workflow-runs/${run}?wait=30`)).as(WorkflowRunView),
    async [Symbol.asyncDispose]() {
      await fixture[Symbol.asyncDispose]();
      if (options.home === undefined) rmSync(home, { recursive: true, force: true });
    },
  };
}
