import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { NODE_COMMAND } from '../packages/host/src/image/image-recipe.ts';
import { benchEngine } from './bench-engine.ts';
import { type Bench, figure } from './measure.ts';
import { commandOf, processTree, settledMemoryBytes } from './private-memory.ts';
import { type AgentStarter, createAgentStarter } from './start-agent.ts';

const MEGABYTE = 1_000_000;
const BARE = 'setInterval(() => {}, 1e9)';
const Inspection = z.object({ State: z.object({ Pid: z.int().positive() }) });
const START = {
  name: 'bench',
  role: 'bench',
  model: 'scripted/bench',
  maxTokens: 1024,
  temperature: 0,
  thinking: 'off',
  systemPrompt: '',
  initialInstructions: '',
  tools: ['exec', 'read_file', 'write_file', 'list_files', 'hand_off', 'list_agents'],
  egress: { authorityPem: '', environment: {} },
  extras: {},
};

/** What an idle agent alone holds, started and with its history open, beside a Node that does nothing in the same container. */
export const benchMemory: Bench = async ({ image, progress }) => {
  const engine = await benchEngine();
  try {
    await using starter = await createAgentStarter(engine, image);
    const { sandbox, pipe } = await startIdle(starter);
    // Pages of Node's own file are shared by all agents of a machine: with one alone they would be counted as its own.
    const second = await startIdle(starter);
    try {
      progress('an idle agent and a bare Node beside it');
      const { State } = Inspection.parse(await sandbox.inspect());
      const agent = nodeIn(State.Pid, () => true);
      await promisify(execFile)('docker', [
        'exec',
        '--detach',
        sandbox.containerId,
        ...NODE_COMMAND,
        '-e',
        BARE,
      ]);
      const bare = await bareNode();
      // Both run when either is measured: what they share, Node's own code, is then counted for neither.
      const agentBytes = await settledMemoryBytes(agent);
      const bareBytes = await settledMemoryBytes(bare);
      return [
        figure({
          bench: 'memory',
          what: 'private memory of an idle agent',
          unit: 'MB',
          value: agentBytes / MEGABYTE,
          peer: { what: 'bare Node in the same container', value: bareBytes / MEGABYTE },
          bound: { of: 'more', most: 12 },
        }),
      ];
    } finally {
      for (const agent of [{ sandbox, pipe }, second]) {
        agent.pipe.close('measured');
        await agent.sandbox.stop(0);
      }
    }
  } finally {
    engine.close();
  }
};

async function startIdle(starter: AgentStarter): ReturnType<AgentStarter['start']> {
  const agent = await starter.start();
  const started = await agent.pipe.request({ method: 'POST', path: '/start', body: JSON.stringify(START) });
  if (started.status !== 204) throw new Error(`POST /start: ${started.status} ${await started.text()}`);
  return agent;
}

function nodeIn(root: number, wanted: (command: string[]) => boolean): number {
  const found = processTree(root).find((pid) => {
    const command = commandOf(pid);
    return /(?:^|\/)node$/.test(command[0] ?? '') && wanted(command);
  });
  if (found === undefined) throw new Error('there is no Node in the container');
  return found;
}

/** What was executed in a container is no child of its first process; it is known by what it runs. */
async function bareNode(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const found = processTree(1).find((pid) => {
      const [program, , code] = commandOf(pid);
      return /(?:^|\/)node$/.test(program ?? '') && code === BARE;
    });
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the bare Node did not start');
}
