import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createManualClock } from '../manual-clock.ts';
import type { Database } from '../store/database.ts';
import type { StepTask } from './step-dispatch.ts';
import { evaluate, type SpecStep } from './test/reference-evaluator.ts';
import {
  createAgents,
  definitionOf,
  openFixture,
  statusesOf,
  temporaryHome,
  untilOver,
} from './test/workflow-fixture.ts';

const RUNS = Number(process.env.OPENLEGION_RUNS ?? 60);

const kind = fc.oneof(
  { weight: 6, arbitrary: fc.constant('done' as const) },
  { weight: 4, arbitrary: fc.constant('failed' as const) },
  { weight: 2, arbitrary: fc.constantFrom('refused', 'cancelled', 'unknown', 'hang', 'hang', 'deaf') },
);

const specs = fc
  .array(
    fc.record({
      needs: fc.array(fc.nat(7), { maxLength: 3 }),
      on_failure: fc.constantFrom('abort', 'retry', 'skip', 'skip', 'fallback', 'continue', 'continue'),
      on_skipped: fc.constantFrom('skip', 'run'),
      max_retries: fc.constantFrom(undefined, 0, 1, 2),
      repeatable: fc.boolean(),
      condition: fc.constantFrom('none', 'none', 'none', 'true', 'false', 'error'),
      approval: fc.constantFrom('none', 'none', 'none', 'none', 'approved', 'denied', 'nobody'),
      entries: fc.constantFrom(null, null, null, 0, 1, 4),
      outcomes: fc.array(fc.array(kind, { maxLength: 4 }), { maxLength: 4 }),
      fallbackWorks: fc.boolean(),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((drawn) =>
    drawn.map((one, position): SpecStep => {
      const { on_failure, max_retries, on_skipped, repeatable, ...rest } = one;
      const conditions = {
        none: undefined,
        true: 'true',
        false: '1 > 2',
        error: 'trigger.payload.none == 1',
      };
      const condition = conditions[one.condition];
      return {
        ...rest,
        step: {
          id: `s${position}`,
          agent: 'agent',
          task_type: 'x',
          timeout: 5,
          depends_on: [...new Set(position === 0 ? [] : one.needs.map((need) => `s${need % position}`))],
          on_failure,
          on_skipped,
          repeatable,
          requires_approval: one.approval !== 'none',
          approval_timeout: 5,
          max_parallel: 2,
          ...(on_failure === 'fallback' && { fallback_agent: 'second' }),
          ...(max_retries !== undefined && { max_retries }),
          ...(condition !== undefined && { condition }),
          ...(one.entries !== null && { for_each: `trigger.payload.lists.${one.entries}` }),
        },
      };
    }),
  );

/** The host ends at the writes with these numbers: before what is written is on disk, or just after. */
const crashes = fc.uniqueArray(fc.record({ at: fc.nat(14), before: fc.boolean() }), {
  maxLength: 6,
  selector: ({ at }) => at,
});

/** In most runs nobody does; else after so many seconds. */
const cancels = fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, fc.nat(12));

test('property: whatever happens and wherever the host is killed, a run ends as specified and nothing is done twice', async () => {
  let ends = 0;
  await fc.assert(
    fc.asyncProperty(specs, crashes, fc.boolean(), cancels, async (steps, points, handlerWorks, cancelAt) => {
      ends += await checkRun(steps, points, handlerWorks, cancelAt);
    }),
    { numRuns: RUNS },
  );
  if (RUNS > 1000) console.log(`${RUNS} runs, killed ${ends} times`);
});

async function checkRun(
  specs: readonly SpecStep[],
  points: readonly { at: number; before: boolean }[],
  handlerWorks: boolean,
  cancelAt: number | null,
): Promise<number> {
  using home = temporaryHome();
  const workflow = definitionOf({
    name: 'random',
    timeout: 100_000,
    steps: specs.map(({ step }) => step),
    on_complete: { agent: 'teller', task_type: 'tell' },
    on_failure: 'went_wrong',
  });
  const log: { task: StepTask; settled: boolean }[] = [];
  const agents = createAgents((task) => {
    const spec = specs.find(({ step }) => step.id === task.step);
    if (!spec) return handlerWorks ? { kind: 'done', result: null } : { kind: 'failed', message: 'no' };
    if ('agent' in task.to && task.to.agent === 'second')
      return spec.fallbackWorks ? { kind: 'done', result: 0 } : { kind: 'failed', message: 'no' };
    const outcome = spec.outcomes[task.index]?.[task.attempt - 1] ?? 'done';
    if (outcome === 'done') return { kind: outcome, result: task.index };
    if (outcome === 'failed' || outcome === 'unknown') return { kind: outcome, message: 'no' };
    if (outcome === 'refused') return { kind: outcome, refusal: REFUSAL };
    return outcome === 'cancelled' ? { kind: outcome } : outcome;
  });
  const run = agents.run;
  agents.run = async (task) => {
    if (!agents.tasks.has(task.key)) {
      checkOrder(specs, task, log);
      const entry = { task, settled: false };
      log.push(entry);
      void run(task).then(() => {
        entry.settled = true;
      });
    }
    return run(task);
  };

  const clock = createManualClock();
  let writes = 0;
  let died = Promise.withResolvers<void>();
  const around = (database: Database): Database => ({
    ...database,
    async write(work) {
      const point = points.find(({ at }) => at === writes);
      writes += 1;
      if (!point) return database.write(work);
      if (!point.before) await database.write(work);
      died.resolve();
      return new Promise(() => {});
    },
  });
  const approve = ({ step, hash }: { step: string; hash: string }) => {
    const approval = specs.find((spec) => spec.step.id === step)?.approval;
    if (approval === 'approved') return { kind: 'approved', by: 'ann', hash } as const;
    return approval === 'denied'
      ? ({ kind: 'denied', by: 'ann', message: '' } as const)
      : ('nobody' as const);
  };
  const open = () => openFixture({ home: home.path, workflows: [workflow], agents, approve, clock, around });
  const lists = Array.from({ length: 5 }, (_, length) => Array.from({ length }, (_, index) => index));

  let ends = 0;
  let seconds = 0;
  for (let host = open(), first = true; ; host = open(), first = false) {
    if (first) await host.accept();
    host.engine.resume();
    const life = ends;
    const over = (async () => {
      const started = await host.start('random', { lists }, 'once');
      assert.ok(started.ok);
      return untilOver(host, started.record.id, () => {
        // A host that was killed turns no clock any more.
        if (life !== ends) throw new Error('killed');
        if (seconds++ === cancelAt) host.engine.cancel(started.record.id, 'ann');
      });
    })();
    over.catch(() => {});
    const end = await Promise.race([over, died.promise]);
    if (end) {
      checkEnd(specs, handlerWorks, statusesOf(end), log);
      assert.deepEqual(host.warnings, []);
      await host.close();
      return ends;
    }
    host.database.close();
    died = Promise.withResolvers<void>();
    ends += 1;
  }
}

const REFUSAL = { code: 'denied', rule: 'r', message: 'm', remedy: 'x' } as const;

/** No step before its dependencies, no attempt before the one before it, and none after one that was done. */
function checkOrder(
  specs: readonly SpecStep[],
  task: StepTask,
  log: readonly { task: StepTask; settled: boolean }[],
): void {
  const spec = specs.find(({ step }) => step.id === task.step);
  const mine = log.filter((entry) => entry.task.step === task.step && entry.task.index === task.index);
  assert.equal(task.attempt, mine.length + 1, `${task.key}: attempts are not one after another`);
  for (const need of spec?.step.depends_on ?? [])
    for (const entry of log)
      if (entry.task.step === need)
        assert.ok(entry.settled || isDeaf(specs, entry.task), `${task.key} before the end of ${need}`);
}

const isDeaf = (specs: readonly SpecStep[], task: StepTask) =>
  specs.find(({ step }) => step.id === task.step)?.outcomes[task.index]?.[task.attempt - 1] === 'deaf';

function checkEnd(
  specs: readonly SpecStep[],
  handlerWorks: boolean,
  ended: Record<string, string>,
  log: readonly { task: StepTask }[],
): void {
  const { statuses, tasks, fatal } = evaluate(specs);
  const whole = fatal.size === 0 && ended.run !== 'cancelled';
  for (const [id, status] of statuses) {
    const allowed = whole ? [status] : [status === 'unreached' ? 'cancelled' : status, 'cancelled'];
    assert.ok(
      allowed.includes(ended[id] ?? 'cancelled'),
      `${id} is ${ended[id]}, not ${allowed.join(' or ')}`,
    );
    for (const [index, most] of (tasks.get(id) ?? []).entries()) {
      const begun = log.filter(({ task }) => task.step === id && task.index === index).length;
      // Where an entry ends its step, later entries are not begun.
      const exact = whole && (status === 'done' || tasks.get(id)?.length === 1);
      assert.ok(exact ? begun === most : begun <= most, `${id}/${index}: ${begun} tasks, specified ${most}`);
    }
    if (!tasks.has(id)) assert.ok(!log.some(({ task }) => task.step === id), `${id} was begun`);
  }
  if (ended.run === 'cancelled') {
    assert.ok(!['done', 'failed'].includes(ended.on_complete ?? ''));
    return;
  }
  if (fatal.size > 0) {
    assert.ok([...fatal].some((id) => ended[id] === 'failed'));
    assert.equal(ended.on_failure, handlerWorks ? 'done' : 'failed');
  } else assert.equal(ended.on_complete, handlerWorks ? 'done' : 'failed');
  assert.equal(ended.run, fatal.size > 0 || !handlerWorks ? 'failed' : 'done');
}
