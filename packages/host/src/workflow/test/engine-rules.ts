import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  type Act,
  atRest,
  createAgents,
  definitionOf,
  type FixtureOptions,
  openFixture,
  temporaryHome,
  untilOver,
} from './workflow-fixture.ts';

const docs = readFileSync(new URL('../../../../../docs/workflows.md', import.meta.url), 'utf8');
export const done = (result: unknown = null) => ({ kind: 'done', result }) as const;
export const failed = { kind: 'failed', message: 'no' } as const;
export const step = (id: string, more: object = {}) => ({ id, agent: 'worker', task_type: id, ...more });
export type Given = Parameters<typeof definitionOf>[0];

/** A rule of docs/workflows.md, word for word, and its test. */
export function rule(text: string, work: () => Promise<void>): void {
  test(text, async () => {
    assert.ok(docs.includes(`- ${text}`), `docs/workflows.md lacks: ${text}`);
    await work();
  });
}

export async function withEngine(
  definition: Omit<Given, 'name'>,
  act: Act,
  work: (
    fixture: ReturnType<typeof openFixture> & { agents: ReturnType<typeof createAgents> },
  ) => Promise<void>,
  more: Partial<FixtureOptions> = {},
): Promise<void> {
  using home = temporaryHome();
  const agents = createAgents(act);
  const fixture = openFixture({
    home: home.path,
    workflows: [definitionOf({ name: 'w', ...definition })],
    agents,
    ...more,
  });
  await fixture.accept();
  await work({ ...fixture, agents });
  await atRest();
  await fixture.close();
}

export async function runOnce(
  definition: Omit<Given, 'name'>,
  act: Act,
  payload: unknown = null,
  more: Partial<FixtureOptions> = {},
) {
  let result:
    | {
        over: Awaited<ReturnType<typeof untilOver>>;
        tasks: ReturnType<ReturnType<typeof createAgents>['begun']>;
      }
    | undefined;
  await withEngine(
    definition,
    act,
    async (fixture) => {
      const started = await fixture.start('w', payload);
      assert.ok(started.ok, JSON.stringify(started));
      const over = await untilOver(fixture, started.record.id);
      result = { over, tasks: fixture.agents.begun() };
    },
    more,
  );
  assert.ok(result);
  return result;
}
