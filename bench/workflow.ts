import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WorkflowDefinition } from '@openlegion/contract/workflow';
import { createAuditLog } from '../packages/host/src/audit/audit-log.ts';
import { createSystemClock } from '../packages/host/src/clock.ts';
import { createEventLog } from '../packages/host/src/delivery/event-log.ts';
import { openDatabase } from '../packages/host/src/store/database.ts';
import { MESH_MIGRATIONS } from '../packages/host/src/store/mesh-schema.ts';
import { compileWorkflow } from '../packages/host/src/workflow/compile-workflow.ts';
import { createDefinitions } from '../packages/host/src/workflow/definitions.ts';
import { createWorkflowEngine } from '../packages/host/src/workflow/engine.ts';
import { createRunRecorder } from '../packages/host/src/workflow/record-run.ts';
import { type Bench, type Figure, figure, median } from './measure.ts';
import { recorded, replay } from './replay-commits.ts';
import { dbosPeer, type MissingPeer, openworkflowPeer, type WorkflowPeer } from './workflow/peers.ts';

const STEPS = 1000;

/** A chain of 1,000 steps over agents that answer at once: all of the time is the engine's. */
export const benchWorkflow: Bench = async ({ effort, progress }) => {
  const rounds = Math.max(3, Math.round(5 * effort));
  using peers = new DisposableStack();
  const found = [openworkflowPeer(progress), dbosPeer(progress)].map((peer) =>
    'missing' in peer ? peer : peers.use(peer),
  );
  const times = new Map<string, number[]>(found.map(({ name }) => [name, []]));
  const [own, raw]: [number[], number[]] = [[], []];
  for (let round = 0; round <= rounds; round += 1) {
    progress(`round ${round} of ${rounds}`);
    const mine = await runChain();
    // The first warms up.
    if (round > 0) {
      own.push(mine.ms / STEPS);
      raw.push(mine.rawMs / STEPS);
    }
    for (const peer of found) {
      if ('missing' in peer) continue;
      const ms = await peer.run(STEPS);
      if (round > 0) times.get(peer.name)?.push(ms / STEPS);
    }
  }
  const value = median(own);
  return [
    figure({
      ...{ bench: 'workflow', what: `a step of ${STEPS} in a chain, our own time`, unit: 'ms', value },
      peer: { what: 'raw node:sqlite, the same writes', value: median(raw) },
      bound: { of: 'value', most: 2 },
    }),
    ...found.map((peer) => besidePeer(value, peer, median(times.get(peer.name) ?? []))),
  ];
};

function besidePeer(value: number, peer: WorkflowPeer | MissingPeer, theirs: number): Figure {
  const about = { bench: 'workflow', unit: 'ms', value } as const;
  if ('missing' in peer)
    return figure({
      ...about,
      what: `a step (${peer.name} not measured: ${peer.missing})`,
      peer: null,
      bound: null,
    });
  return figure({
    ...{ ...about, what: 'a step of the same chain', peer: { what: peer.name, value: theirs } },
    bound: { of: 'ratio', most: 1 },
  });
}

/** With its audit records and its trace, as in the host. */
async function runChain(): Promise<{ ms: number; rawMs: number }> {
  const directory = mkdtempSync(join(tmpdir(), 'openlegion-workflow-bench-'));
  const clock = createSystemClock();
  const path = join(directory, 'mesh.db');
  const { database, commits } = recorded(openDatabase({ path, migrations: MESH_MIGRATIONS }));
  try {
    const compiled = compileWorkflow(chain());
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
    const { workflow } = compiled;
    const definitions = createDefinitions({ database, clock });
    await definitions.propose(workflow, '', 'bench');
    await definitions.accept(workflow.hash, 'bench');
    const audit = createAuditLog({ database, clock });
    const events = createEventLog({ database, clock, warn: console.error });
    const recorder = createRunRecorder({ audit, events, onOver: () => () => {} });
    let ids = 0;
    let startedAt = 0;
    const engine = createWorkflowEngine({
      ...{ database, clock, definitions, random: Math.random, warn: console.error },
      ...{ onStored: recorder.onStored, announce: recorder.announce },
      current: () => new Map([['chain', workflow]]),
      newRunId: () => `wfr_${++ids}`,
      dispatch: {
        async run({ input }) {
          if (startedAt === 0) startedAt = performance.now();
          const before = typeof input === 'object' && input !== null && 'n' in input ? Number(input.n) : 0;
          return { kind: 'done', result: { n: before + 1 } };
        },
        cancel: () => {},
      },
      approvals: { ask: () => Promise.reject(new Error('nobody')), withdraw: () => {} },
      readBlackboard: () => ({ found: false }),
    });
    const started = await engine.start({
      ...{ workflow: 'chain', how: 'manual', payload: null, startedBy: 'bench', traceId: 'trc_bench' },
      ...{ key: null, hops: 0, parentId: null },
    });
    if (!started.ok) throw new Error(started.refusal.message);
    const ended = await engine.ended(started.record.id);
    const ms = performance.now() - startedAt;
    if (ended?.status !== 'done') throw new Error(JSON.stringify(ended));
    await events.flush();
    const rawMs = replay(join(directory, 'raw.db'), commits) * 1000;
    return { ms, rawMs };
  } finally {
    database.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function chain(): WorkflowDefinition {
  return WorkflowDefinition.parse({
    name: 'chain',
    timeout: 3600,
    steps: Array.from({ length: STEPS }, (_, index) => ({
      id: `s${index}`,
      agent: 'worker',
      task_type: 'count',
      ...(index === 0 ? {} : { depends_on: [`s${index - 1}`], input_from: `s${index - 1}.result` }),
    })),
  });
}
