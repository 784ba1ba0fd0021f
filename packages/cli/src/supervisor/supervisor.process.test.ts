import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { PartName } from '@openlegion/contract/process-protocol';
import { z } from 'zod';
import type { PartDefinition } from './part-definition.ts';
import { createPartLog } from './part-log.ts';
import { createSupervisor, type SupervisorEvent } from './supervisor.ts';

const FAKE = resolve(import.meta.dirname, '../../test/fakes/part.ts');
const Line = z.object({
  name: z.string(),
  event: z.string(),
  pid: z.int().optional(),
  environment: z.array(z.string()).optional(),
  key: z.int().nullable().optional(),
});

function setUp(context: TestContext, parts: Partial<Record<PartName, object>>) {
  const directory = mkdtempSync(join(tmpdir(), 'openlegion-supervisor-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const record = join(directory, 'record');
  const keyFile = join(directory, 'key');
  writeFileSync(record, '');
  writeFileSync(keyFile, Buffer.alloc(32, 7), { mode: 0o600 });
  const events: SupervisorEvent[] = [];
  const watchers = new Set<() => void>();
  const restarts: (string | number | boolean | undefined)[] = [];
  const notify = () => {
    for (const watcher of watchers) watcher();
  };
  const supervisor = createSupervisor({
    parts: (Object.keys(parts) as PartName[]).map(
      (name): PartDefinition => ({
        name,
        program: FAKE,
        nodeFlags: [],
        settings: { record, name, ...parts[name] },
        environment: { PATH: '/usr/bin' },
        ...(name === 'keeper' ? { keyFile } : {}),
        readyTimeoutMs: name === 'scripted' ? 300 : 20_000,
        stopTimeoutMs: name === 'scripted' ? 200 : 20_000,
      }),
    ),
    logOf: (part) =>
      createPartLog({
        path: join(directory, `${part}.log`),
        part,
        format: 'text',
        maxBytes: 10_000,
        now: () => new Date(0),
      }),
    onEvent: (event) => {
      events.push(event);
      notify();
    },
    afterReady: async () => {},
    onRestarted: (_, detail) => {
      restarts.push(detail.port);
      notify();
    },
    now: () => 0,
    wait: async () => {},
  });
  context.after(() => supervisor.stop());
  return {
    supervisor,
    events,
    restarts,
    lines: () =>
      readFileSync(record, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => Line.parse(JSON.parse(line))),
    until: (holds: () => boolean) =>
      new Promise<void>((done) => {
        const check = () => {
          if (!holds()) return;
          watchers.delete(check);
          done();
        };
        watchers.add(check);
        check();
      }),
  };
}

test('parts start in order with a clean environment, the key file goes to the keeper alone, and stop in reverse', async (context) => {
  const { supervisor, lines } = setUp(context, { keeper: {}, gateway: {}, host: {} });
  const result = await supervisor.start();
  assert.equal(result.started, true);
  assert.deepEqual(
    lines().map(({ name, environment, key }) => [name, environment, key]),
    [
      ['keeper', ['PATH'], 32],
      ['gateway', ['PATH'], null],
      ['host', ['PATH'], null],
    ],
  );
  await supervisor.stop();
  assert.deepEqual(
    lines()
      .filter(({ event }) => event === 'stopped')
      .map(({ name }) => name),
    ['host', 'gateway', 'keeper'],
  );
});

test('a part that refuses to start has its own words reported, and what ran is stopped', async (context) => {
  const { supervisor, lines } = setUp(context, { keeper: {}, host: { behaviour: 'failed' } });
  assert.deepEqual(await supervisor.start(), {
    started: false,
    part: 'host',
    message: 'port 8420 is taken',
    remedy: 'Choose another.',
  });
  assert.ok(lines().some(({ name, event }) => name === 'keeper' && event === 'stopped'));
});

test('a part that dies before it is ready is reported with what it wrote', async (context) => {
  const { supervisor } = setUp(context, { host: { behaviour: 'crash' } });
  const result = await supervisor.start();
  assert.equal(result.started, false);
  if (!result.started)
    assert.match(result.message, /host ended with code 3 before it was ready[\s\S]*the cause of the crash/);
});

test('a part that says nothing, or something else, is not ready; one that ignores its lifeline is killed', async (context) => {
  const silent = setUp(context, { scripted: { behaviour: 'silent' } });
  const result = await silent.supervisor.start();
  assert.equal(result.started, false);
  if (!result.started) assert.match(result.message, /not ready in 0\.3 s/);
  const garbage = await setUp(context, { gateway: { behaviour: 'garbage' } }).supervisor.start();
  assert.equal(garbage.started, false);
  const deaf = setUp(context, { scripted: { behaviour: 'deaf' } });
  await deaf.supervisor.start();
  await deaf.supervisor.stop();
  const pid = deaf.lines()[0]?.pid;
  assert.ok(pid !== undefined);
  assert.throws(() => process.kill(pid, 0), /ESRCH/);
});

test('a part that is killed is started again, with growing pauses, and says its new port', async (context) => {
  const { supervisor, events, restarts, until } = setUp(context, { host: { crashAfterReady: 3 } });
  await supervisor.start();
  await until(() => restarts.length >= 3 && restarts.at(-1) === 4003);
  const pauses = events.flatMap((event) => (event.type === 'part_ended' ? [event.restartInMs] : []));
  assert.deepEqual(pauses.slice(0, 3), [250, 500, 1000]);
  const hows = events.flatMap((event) => (event.type === 'part_ended' ? [event.how] : []));
  assert.equal(hows[0], 'signal SIGKILL');
});
