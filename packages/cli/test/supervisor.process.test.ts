import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { readSupervisorFile, runningSupervisor } from '../src/supervisor/supervisor-file.ts';

const PROGRAM = resolve(import.meta.dirname, 'fakes/supervisor-of-fakes.ts');

function setUp(context: TestContext) {
  const home = mkdtempSync(join(tmpdir(), 'openlegion-home-'));
  context.after(() => rmSync(home, { recursive: true, force: true }));
  const record = join(home, 'record');
  writeFileSync(record, '');
  const run = (): {
    child: ChildProcess;
    last: Promise<{ type: string; message?: string; port?: number; run?: string }>;
  } => {
    const child = spawn(process.execPath, [PROGRAM, home, record], { stdio: ['ignore', 'pipe', 'inherit'] });
    context.after(() => child.kill('SIGKILL'));
    const last = (async () => {
      if (!child.stdout) throw new Error('no standard output');
      for await (const line of createInterface({ input: child.stdout })) {
        const said = JSON.parse(line);
        if (said.type !== 'starting') return said;
      }
      throw new Error('it said nothing');
    })();
    return { child, last };
  };
  const lines = () =>
    readFileSync(record, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  /** Resolves when the record shows it. */
  const recorded = (holds: () => boolean) =>
    new Promise<void>((done) => {
      const watcher = watch(record, () => check());
      const check = () => {
        if (!holds()) return;
        watcher.close();
        done();
      };
      check();
    });
  return { home, run, lines, recorded };
}

test('a second start on the same home is refused with the pid, and the first goes on', async (context) => {
  const { home, run } = setUp(context);
  const first = run();
  const ready = await first.last;
  assert.equal(ready.type, 'ready');
  assert.equal(ready.port, 4000);
  const second = run();
  const refused = await second.last;
  assert.equal(refused.type, 'failed');
  assert.match(refused.message ?? '', new RegExp(`already runs for .*\\(pid ${first.child.pid}\\)`));
  assert.equal(first.child.exitCode, null);
  assert.equal(statSync(join(home, 'data/supervisor.json')).mode & 0o777, 0o600);
  assert.equal(statSync(join(home, 'data/vault.key')).mode & 0o777, 0o600);
  assert.equal(statSync(join(home, 'data/vault.key')).size, 32);
  first.child.kill('SIGTERM');
  await once(first.child, 'exit');
  assert.equal(readSupervisorFile(home), null);
  assert.equal(existsSync(ready.run ?? ''), false);
});

test('when the supervisor is killed its parts stop by themselves, and the home can be started again', async (context) => {
  const { home, run, lines, recorded } = setUp(context);
  const first = run();
  await first.last;
  first.child.kill('SIGKILL');
  await recorded(() => lines().filter(({ event }) => event === 'stopped').length === 2);
  assert.notEqual(readSupervisorFile(home), null);
  assert.equal(runningSupervisor(home), null);
  const again = run();
  assert.equal((await again.last).type, 'ready');
  again.child.kill('SIGTERM');
  await once(again.child, 'exit');
});

test('a host that is killed comes back, and supervisor.json has its new port', async (context) => {
  const { home, run, lines, recorded } = setUp(context);
  const supervisor = run();
  await supervisor.last;
  process.kill(lines().find(({ name }) => name === 'host').pid, 'SIGKILL');
  await recorded(
    () => lines().filter(({ name, event }) => name === 'host' && event === 'started').length === 2,
  );
  await new Promise<void>((done) => {
    const watcher = watch(join(home, 'data'), () => check());
    const check = () => {
      if (readSupervisorFile(home)?.port !== 4001) return;
      watcher.close();
      done();
    };
    check();
  });
  supervisor.child.kill('SIGTERM');
  await once(supervisor.child, 'exit');
});
