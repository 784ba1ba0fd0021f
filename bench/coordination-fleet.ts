import { AgentsConfig } from '@openlegion/contract/agents-config';
import { PermissionsConfig } from '@openlegion/contract/permissions-config';
import { settingsOf } from '../packages/host/src/config/load-config.ts';
import { fixtureConfig, startFixture } from '../packages/host/src/test/host-fixture.ts';
import { median, timed } from './measure.ts';
import { settledMemoryBytes } from './private-memory.ts';

const AWAKE = 20;
const REST_MS = 3000;

/** What a host with so many agents costs, 20 of them awake. Its containers are pipes within the process. */
export interface FleetCost {
  bytes: number;
  restMsPerSecond: number;
  messageMs: number;
}

async function measure(count: number): Promise<FleetCost> {
  const config = fixtureConfig();
  const names = Array.from({ length: count }, (_, index) => `agent-${index}`);
  const agents = AgentsConfig.parse({ agents: Object.fromEntries(names.map((name) => [name, {}])) });
  const permissions = PermissionsConfig.parse({ permissions: { default: { allowed_apis: ['llm'] } } });
  await using fixture = await startFixture({
    config: { ...config, agents: settingsOf(config.mesh, agents, permissions) },
  });
  const ask = async (name: string): Promise<void> => {
    const { messageId } = await fixture.send(name, 'hello');
    await fixture.trace(messageId);
  };
  for (const name of names.slice(0, AWAKE)) await ask(name);
  const times: number[] = [];
  for (let n = 0; n < 100; n += 1) times.push(await timed(() => ask(`agent-${n % AWAKE}`)));
  const bytes = await settledMemoryBytes(process.pid);
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, REST_MS));
  const { user, system } = process.cpuUsage(before);
  return { bytes, restMsPerSecond: (user + system) / REST_MS, messageMs: median(times) };
}

process.stdout.write(JSON.stringify(await measure(Number(process.argv[2]))));
