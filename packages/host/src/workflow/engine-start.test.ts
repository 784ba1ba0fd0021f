import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createManualClock } from '../manual-clock.ts';
import { MOST_OPEN_RUNS } from './engine.ts';
import { done, rule, step, withEngine } from './test/engine-rules.ts';
import {
  atRest,
  createAgents,
  definitionOf,
  openFixture,
  statusesOf,
  temporaryHome,
  untilOver,
} from './test/workflow-fixture.ts';

rule(
  'Only a definition whose hash an operator accepted can be started, and a run keeps the one it started with.',
  async () => {
    using home = temporaryHome();
    const agents = createAgents(({ step }) => (step === 'a' ? 'hang' : done()));
    const clock = createManualClock();
    const old = definitionOf({ name: 'w', steps: [step('a'), step('old', { depends_on: ['a'] })] });
    const first = openFixture({ home: home.path, workflows: [old], agents, clock });
    const refused = await first.start('w');
    assert.ok(!refused.ok && refused.refusal.rule === 'workflow.not_accepted');
    assert.equal(await first.definitions.accept(old.hash, 'operator'), null);
    await first.definitions.propose(old, '', 'agent:worker');
    assert.equal((await first.start('w')).ok, false);
    await first.definitions.accept(old.hash, 'operator');
    const started = await first.start('w');
    assert.ok(started.ok);
    await atRest();
    await first.close();
    // The file was edited meanwhile: what was accepted does not stand for what is there now.
    const changed = definitionOf({ name: 'w', steps: [step('a'), step('new', { depends_on: ['a'] })] });
    const second = openFixture({ home: home.path, workflows: [changed], agents, clock });
    second.engine.resume();
    assert.equal((await second.start('w')).ok, false);
    await second.definitions.revoke(old.hash, 'operator');
    agents.end(`${started.record.id}/a/0/1`, done());
    const over = await untilOver(second, started.record.id);
    assert.deepEqual(statusesOf(over), { a: 'done', old: 'done', run: 'done' });
    await second.close();
  },
);

rule(
  'Inputs are fields of the payload, held to their types; a run without one that has no default is refused.',
  () =>
    withEngine(
      {
        inputs: { n: { type: 'integer' }, lang: { type: 'string', default: 'en' } },
        steps: [step('a', { input_from: 'inputs.lang', condition: 'inputs.n > 1' })],
      },
      () => done(),
      async (fixture) => {
        for (const payload of [null, {}, { n: 'x' }, { n: 1.5 }, [], { n: 2, lang: 7 }]) {
          const started = await fixture.start('w', payload);
          assert.ok(!started.ok && started.refusal.rule === 'workflow.inputs', JSON.stringify(payload));
        }
        const started = await fixture.start('w', { n: 2 });
        assert.ok(started.ok);
        await untilOver(fixture, started.record.id);
        assert.equal(fixture.agents.begun()[0]?.input, 'en');
      },
    ),
);

rule(
  'A topic starts each workflow that it triggers once for each event, whoever repeats it; a handoff starts only a workflow with that trigger.',
  () =>
    withEngine(
      { trigger: 'new_lead', steps: [step('a')] },
      () => done(),
      async ({ engine, agents }) => {
        const about = {
          workflow: 'w',
          payload: 1,
          startedBy: 'scout',
          traceId: 'trc_1',
          hops: 1,
          parentId: null,
        };
        const event = (topic: string) => engine.start({ ...about, how: { topic }, key: 'evt_1/w' });
        const [one, two] = await Promise.all([event('new_lead'), event('new_lead')]);
        assert.ok(one.ok && two.ok && one.record.id === two.record.id && one.created !== two.created);
        const other = await engine.start({ ...about, how: { topic: 'other' }, key: 'evt_2/w' });
        assert.ok(!other.ok && other.refusal.rule === 'workflow.trigger');
        await atRest();
        assert.equal(agents.begun().length, 1);
        const handoff = await engine.start({ ...about, how: 'handoff', key: null });
        assert.ok(!handoff.ok && handoff.refusal.rule === 'workflow.trigger');
        const unknown = await engine.start({ ...about, workflow: 'ww', how: 'manual', key: null });
        assert.ok(!unknown.ok && unknown.refusal.remedy === 'Did you mean "w"?');
      },
    ),
);

test('beyond the most open runs nothing more is started', () =>
  withEngine(
    { steps: [step('a')] },
    () => 'hang',
    async ({ start }) => {
      const all = await Promise.all(Array.from({ length: MOST_OPEN_RUNS + 2 }, () => start('w')));
      const refused = [...all, await start('w')].flatMap((one) => (one.ok ? [] : [one.refusal.rule]));
      assert.deepEqual(
        refused,
        Array.from({ length: 3 }, () => 'workflow.open_runs'),
      );
    },
  ));

test('what the disk does not take is kept until it does, and done once', () =>
  withEngine(
    { steps: [step('a'), step('b', { depends_on: ['a'] })] },
    ({ step }) => (step === 'a' ? 'hang' : done()),
    async (fixture) => {
      const started = await fixture.start('w');
      assert.ok(started.ok);
      await atRest();
      fixture.database.get('PRAGMA max_page_count = 1');
      fixture.agents.end(`${started.record.id}/a/0/1`, done('r'.repeat(200_000)));
      await atRest();
      assert.match(fixture.warnings[0] ?? '', /disk/);
      assert.equal(fixture.agents.begun().length, 1);
      fixture.database.get('PRAGMA max_page_count = 100000');
      const over = await untilOver(fixture, started.record.id);
      assert.deepEqual(statusesOf(over), { a: 'done', b: 'done', run: 'done' });
      assert.equal(fixture.agents.begun().length, 2);
    },
  ));
