import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  atRest,
  createAgents,
  definitionOf,
  openFixture,
  statusesOf,
  temporaryHome,
  untilOver,
} from './test/workflow-fixture.ts';

const done = (result: unknown) => ({ kind: 'done', result }) as const;
const step = (id: string, more: object = {}) => ({
  id,
  agent: id.replaceAll('_', '-'),
  task_type: id,
  ...more,
});

test('a pipeline runs to its end: each step is given what the one before it came to', async () => {
  using home = temporaryHome();
  const workflow = definitionOf({
    name: 'pipeline',
    trigger: 'new_prospect',
    steps: [
      step('research', { input_from: 'trigger.payload' }),
      step('qualify', {
        depends_on: ['research'],
        input_from: 'research.result.people.0',
        condition: 'research.result.score >= 5',
      }),
    ],
    on_complete: 'prospect_done',
  });
  const agents = createAgents((task) =>
    task.step === 'research' ? done({ score: 7, people: [{ name: 'Ann' }] }) : done('yes'),
  );
  const fixture = openFixture({ home: home.path, workflows: [workflow], agents });
  await fixture.accept();
  const event = { payload: { company: 'x' }, key: 'evt_1', traceId: 'trc_1', from: 'scout' };
  const [started] = await fixture.engine.publish('new_prospect', event);
  assert.ok(started?.ok && started.created);
  const [again] = await fixture.engine.publish('new_prospect', event);
  assert.ok(again?.ok && !again.created && again.record.id === started.record.id);
  const over = await untilOver(fixture, started.record.id);
  assert.deepEqual(statusesOf(over), { research: 'done', qualify: 'done', on_complete: 'done', run: 'done' });
  const [research, qualify, published] = agents.begun();
  assert.deepEqual(research?.input, { company: 'x' });
  assert.deepEqual(qualify?.input, { name: 'Ann' });
  assert.deepEqual(qualify?.context, {
    research: { status: 'done', result: { score: 7, people: [{ name: 'Ann' }] } },
  });
  assert.deepEqual(published?.to, { topic: 'prospect_done' });
  assert.deepEqual((await fixture.engine.ended(started.record.id))?.status, 'done');
  await atRest();
  await fixture.close();
});
