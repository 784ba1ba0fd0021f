import { startInstallation } from '../test/harness/installation.ts';
import { type Bench, figure, median } from './measure.ts';
import { settledMemoryBytes } from './private-memory.ts';

const AGENTS = 20;
const MEGABYTE = 1_000_000;

/** From the host's start to its word that it listens, and what it holds with 20 agents, first stopped, then running. */
export const benchHost: Bench = async ({ effort, progress }) => {
  const names = Array.from({ length: AGENTS }, (_, index) => `agent-${index}`);
  await using installation = await startInstallation({
    agents: `agents:\n${names.map((name) => `  ${name}: { model: scripted/bench, resources: { disk_limit: 16m } }`).join('\n')}\n`,
    permissions: { permissions: { default: { allowed_apis: ['llm'] } } },
    scripts: { bench: 'otherwise: { text: hello }' },
  });
  progress('starts');
  const startMs = [installation.startMs('host')];
  for (let start = 0; start < Math.max(2, Math.round(4 * effort)); start += 1) {
    await installation.kill('host');
    await installation.start('host');
    startMs.push(installation.startMs('host'));
  }
  const stoppedBytes = await settledMemoryBytes(installation.pidOf('host'));
  progress(`${AGENTS} agents answer a message each and stay`);
  for (const name of names) {
    const { view } = await installation.control.ask(name, 'hello');
    if (view.status !== 'done') throw new Error(`${name}: ${JSON.stringify(view.refusal)}`);
  }
  const runningBytes = await settledMemoryBytes(installation.pidOf('host'));
  return [
    figure({
      bench: 'host',
      what: 'start to listening, median',
      unit: 'ms',
      value: median(startMs),
      peer: null,
      bound: { of: 'value', most: 1000 },
    }),
    figure({
      bench: 'host',
      what: `private memory with ${AGENTS} agents running`,
      unit: 'MB',
      value: runningBytes / MEGABYTE,
      peer: { what: `with ${AGENTS} agents stopped`, value: stoppedBytes / MEGABYTE },
      bound: null,
    }),
  ];
};
