import assert from 'node:assert/strict';
import { hashOf } from './definition-hash.ts';
import { pauseMs } from './run-items.ts';
import type { ApprovalRequest, Readers } from './step-dispatch.ts';
import { done, failed, rule, runOnce, step, withEngine } from './test/engine-rules.ts';
import { atRest, statusesOf, untilOver } from './test/workflow-fixture.ts';

rule('A step is given what the steps that it depends on came to, and its own input.', async () => {
  const { over, tasks } = await runOnce(
    {
      steps: [
        step('research', { input_from: 'trigger.payload' }),
        step('qualify', { depends_on: ['research'], input_from: 'research.result.people.0' }),
      ],
      on_complete: 'prospect_done',
    },
    (task) => (task.step === 'research' ? done({ people: [{ name: 'Ann' }] }) : done('yes')),
    { company: 'x' },
  );
  assert.deepEqual(statusesOf(over), { research: 'done', qualify: 'done', on_complete: 'done', run: 'done' });
  assert.deepEqual(tasks[0]?.input, { company: 'x' });
  assert.deepEqual(tasks[1]?.input, { name: 'Ann' });
  assert.deepEqual(tasks[1]?.context, {
    research: { status: 'done', result: { people: [{ name: 'Ann' }] } },
  });
});

rule('A step starts as soon as its own dependencies are settled, whatever else still runs.', () =>
  withEngine(
    { steps: [step('slow'), step('quick'), step('next', { depends_on: ['quick'] })] },
    ({ step }) => (step === 'slow' ? 'hang' : done()),
    async ({ start, agents }) => {
      await start('w');
      await atRest();
      assert.deepEqual(
        agents.begun().map(({ step }) => step),
        ['slow', 'quick', 'next'],
      );
    },
  ),
);

rule('A condition that is false skips the step.', async () => {
  const { over, tasks } = await runOnce(
    { steps: [step('a', { condition: 'trigger.payload.n > 5' }), step('b', { depends_on: ['a'] })] },
    () => done(),
    { n: 5 },
  );
  assert.deepEqual(statusesOf(over), { a: 'skipped', b: 'skipped', run: 'done' });
  assert.deepEqual(
    [over.steps.get('a')?.reason, over.steps.get('b')?.reason],
    ['condition_false', 'dependency_skipped'],
  );
  assert.equal(tasks.length, 0);
});

rule(
  'A step with two dependencies, of which one was skipped, is skipped; with `on_skipped: run` it runs, and what it reads of the skipped one is null.',
  async () => {
    const { over, tasks } = await runOnce(
      {
        steps: [
          step('a'),
          step('b', { condition: 'false' }),
          step('c', { depends_on: ['a', 'b'] }),
          step('d', {
            depends_on: ['a', 'b'],
            on_skipped: 'run',
            input_from: 'b.result.x',
            condition: 'b.status == "skipped"',
          }),
        ],
      },
      () => done(1),
    );
    assert.deepEqual(statusesOf(over), { a: 'done', b: 'skipped', c: 'skipped', d: 'done', run: 'done' });
    assert.equal(tasks.find(({ step }) => step === 'd')?.input, null);
  },
);

rule('A run that ends well although steps failed says which.', async () => {
  const { over } = await runOnce({ steps: [step('a', { on_failure: 'continue' }), step('b')] }, ({ step }) =>
    step === 'a' ? failed : done(),
  );
  assert.deepEqual([over.record.status, over.record.message], ['done', 'failed, and allowed to: a']);
});

rule(
  'Retries wait one second, then two, four and so on up to a minute, less a random part of up to half.',
  async () => {
    assert.deepEqual(
      [1, 2, 3, 20].map((attempt) => pauseMs(attempt, 0)),
      [500, 1000, 2000, 30_000],
    );
    assert.deepEqual(
      [1, 2, 3, 20].map((attempt) => pauseMs(attempt, 0.999999)),
      [1000, 2000, 4000, 60_000],
    );
    await withEngine(
      { steps: [step('a', { on_failure: 'retry' })] },
      () => failed,
      async ({ start, agents, clock }) => {
        await start('w');
        for (const [waitMs, attempts] of [
          [0, 1],
          [749, 1],
          [1, 2],
          [1499, 2],
          [1, 3],
        ] as const) {
          clock.advance(waitMs);
          await atRest();
          assert.equal(agents.begun().length, attempts);
        }
      },
    );
  },
);

rule(
  '`for_each` runs one task for each entry, at most `max_parallel` at a time, and its result is the list of theirs in order.',
  () =>
    withEngine(
      {
        steps: [step('a', { for_each: 'trigger.payload', max_parallel: 2, input_from: 'trigger.payload.0' })],
      },
      () => 'hang',
      async (fixture) => {
        const started = await fixture.start('w', ['x', 'y', 'z']);
        assert.ok(started.ok);
        const { id } = started.record;
        const { agents } = fixture;
        await atRest();
        assert.deepEqual(
          agents.begun().map(({ input }) => input),
          [
            { item: 'x', index: 0, input: 'x' },
            { item: 'y', index: 1, input: 'x' },
          ],
        );
        agents.end(`${id}/a/1/1`, done('Y'));
        await atRest();
        assert.equal(agents.begun().length, 3);
        agents.end(`${id}/a/2/1`, done('Z'));
        agents.end(`${id}/a/0/1`, done('X'));
        const over = await untilOver(fixture, id);
        assert.deepEqual(over.steps.get('a')?.result, ['X', 'Y', 'Z']);
      },
    ),
);

rule(
  'An empty list is done at once, without approval; what is no list, or longer than `max_items`, fails the step.',
  async () => {
    for (const [payload, status, reason] of [
      [[], 'done', null],
      ['text', 'failed', 'input'],
      [[1, 2, 3], 'failed', 'input'],
      [null, 'failed', 'input'],
    ] as const) {
      const { over, tasks } = await runOnce(
        { steps: [step('a', { for_each: 'trigger.payload', max_items: 2, requires_approval: true })] },
        () => done(),
        payload,
      );
      assert.deepEqual([over.steps.get('a')?.status, over.steps.get('a')?.reason], [status, reason]);
      assert.equal(tasks.length, 0);
    }
  },
);

rule('With `on_failure: continue` every entry is tried, and null stands for one that failed.', async () => {
  const { over } = await runOnce(
    {
      steps: [
        step('a', { for_each: 'trigger.payload', on_failure: 'continue' }),
        step('b', { depends_on: ['a'], input_from: 'a.result' }),
      ],
    },
    ({ index, step }) => (step === 'a' && index === 1 ? failed : done(index)),
    ['x', 'y', 'z'],
  );
  assert.deepEqual(statusesOf(over), { a: 'failed', b: 'done', run: 'done' });
  assert.deepEqual(over.steps.get('a')?.result, [0, null, 2]);
  assert.match(over.steps.get('a')?.message ?? '', /1 of 3 entries/);
});

rule('An approval is bound to the hash of exactly what will run, and the step runs only after it.', () => {
  let asked: ApprovalRequest | undefined;
  const answered = Promise.withResolvers<{ kind: 'approved'; by: string; hash: string }>();
  return withEngine(
    { steps: [step('a', { requires_approval: true, input_from: 'trigger.payload' })] },
    () => done(),
    async (fixture) => {
      const started = await fixture.start('w', { pay: 'Eve' });
      assert.ok(started.ok);
      await atRest();
      asked = fixture.asked[0];
      assert.ok(asked);
      assert.equal(asked.hash, hashOf(asked.subject));
      assert.ok(JSON.stringify(asked.subject).includes('"pay":"Eve"'));
      assert.equal(fixture.agents.begun().length, 0);
      answered.resolve({ kind: 'approved', by: 'ann', hash: asked.hash });
      const over = await untilOver(fixture, started.record.id);
      assert.equal(over.steps.get('a')?.approvedBy, 'ann');
      assert.equal(fixture.agents.begun().length, 1);
    },
    { approve: () => answered.promise as never },
  );
});

rule('Waiting for a person does not count as time of the run.', async () => {
  const { over } = await runOnce(
    {
      timeout: 10,
      steps: [
        step('a', { requires_approval: true, approval_timeout: 60, on_failure: 'continue' }),
        step('b', { depends_on: ['a'] }),
      ],
    },
    () => done(),
  );
  assert.deepEqual(statusesOf(over), { a: 'failed', b: 'done', run: 'done' });
  assert.equal(over.steps.get('a')?.reason, 'approval_expired');
});

rule(
  'A run that takes longer than its `timeout` fails: what waits is cancelled, what runs is cancelled and its end waited for, and `on_failure` runs.',
  async () => {
    const { over, tasks } = await runOnce(
      {
        timeout: 10,
        steps: [step('a', { timeout: 100 }), step('b', { depends_on: ['a'] })],
        on_failure: 'went_wrong',
      },
      ({ step }) => (step === 'a' ? 'hang' : done()),
      null,
      { approve: () => 'nobody' },
    );
    assert.deepEqual(statusesOf(over), {
      a: 'cancelled',
      b: 'cancelled',

      on_failure: 'done',
      run: 'failed',
    });
    assert.equal(over.record.reason, 'timeout');
    const told = tasks.at(-1)?.input;
    assert.ok(typeof told === 'object' && told !== null && 'reason' in told && told.reason === 'timeout');
  },
);

rule('A run that is cancelled runs neither `on_complete` nor `on_failure`.', () =>
  withEngine(
    {
      steps: [step('a'), step('b', { depends_on: ['a'] }), step('c', { requires_approval: true })],
      on_failure: 'x',
      on_complete: 'y',
    },
    () => 'hang',
    async (fixture) => {
      const started = await fixture.start('w');
      assert.ok(started.ok);
      await atRest();
      assert.equal(fixture.engine.cancel(started.record.id, 'ann'), true);
      const over = await untilOver(fixture, started.record.id);
      assert.deepEqual(statusesOf(over), {
        a: 'cancelled',
        b: 'cancelled',
        c: 'cancelled',
        run: 'cancelled',
      });
      assert.equal(over.record.message, 'by ann');
      assert.equal(fixture.engine.cancel(started.record.id, 'ann'), false);
      assert.equal(fixture.engine.cancel('none', 'ann'), false);
    },
  ),
);

rule('A task that ends well while it is being cancelled is done, and says so.', () =>
  withEngine(
    { steps: [step('a')] },
    () => 'deaf',
    async (fixture) => {
      const started = await fixture.start('w');
      assert.ok(started.ok);
      await atRest();
      fixture.engine.cancel(started.record.id, 'ann');
      await atRest();
      fixture.agents.end(`${started.record.id}/a/0/1`, done('paid'));
      const over = await untilOver(fixture, started.record.id);
      assert.deepEqual(statusesOf(over), { a: 'done', run: 'cancelled' });
    },
  ),
);

rule(
  '`on_complete` that fails makes the run failed; `on_failure` that fails is told with what failed before.',
  async () => {
    const handler = { agent: 'worker', task_type: 'tell' };
    const good = await runOnce({ steps: [step('a')], on_complete: handler }, ({ step }) =>
      step === 'a' ? done() : failed,
    );
    assert.deepEqual([good.over.record.status, good.over.record.reason], ['failed', 'handler_failed']);
    const bad = await runOnce({ steps: [step('a')], on_failure: handler }, () => failed);
    assert.equal(bad.over.record.message, 'a: no; on_failure: no');
  },
);

rule(
  'A part of a blackboard key that comes from outside is one segment, and the key is read with the grants of the agent that gets it.',
  async () => {
    const read: [Readers, string][] = [];
    const readBlackboard = (readers: Readers, key: string) => {
      read.push([readers, key]);
      return key === 'context/secret'
        ? { refusal: { code: 'denied', rule: 'r', message: 'Not yours.', remedy: 'x' } as const }
        : { found: true as const, value: { v: 1 } };
    };
    const definition = { steps: [step('a', { input_from: 'blackboard://context/{who}' })] };
    const good = await runOnce(definition, () => done(), { who: 'ann' }, { readBlackboard });
    assert.deepEqual(good.tasks[0]?.input, { v: 1 });
    assert.deepEqual(read, [[{ agents: ['worker'], capability: null }, 'context/ann']]);
    for (const who of ['../x', 'a/b', '..', '', 'a\nb', { x: 1 }, null, 'secret']) {
      const { over, tasks } = await runOnce(definition, () => done(), { who }, { readBlackboard });
      assert.equal(over.steps.get('a')?.reason, 'input', `${who}`);
      assert.equal(tasks.length, 0);
    }
  },
);

rule(
  'A result that is not JSON, or larger than 256 K characters, or nested deeper than 64 levels, fails the attempt.',
  async () => {
    let deep: unknown = 1;
    for (let level = 0; level < 5000; level += 1) deep = [deep];
    for (const result of [deep, 'x'.repeat(300_000), 10n, Number.NaN, () => 1]) {
      const { over } = await runOnce({ steps: [step('a')] }, () => done(result));
      assert.equal(over.steps.get('a')?.reason, 'output');
    }
  },
);
