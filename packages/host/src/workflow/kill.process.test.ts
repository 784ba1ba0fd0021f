import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { temporaryHome } from './test/workflow-fixture.ts';

const TASKS = [
  'a/0/1',
  'each/0/1',
  'each/1/1',
  'each/2/1',
  'flaky/0/1',
  'flaky/0/2',
  'last/0/1',
  'on_complete/0/1',
];
/** Every write of the run, and one more than it has. With OPENLEGION_RUNS, all of them; else some. */
const POINTS = process.env.OPENLEGION_RUNS ? Array.from({ length: 12 }, (_, index) => index + 1) : [2, 4];

function host(home: string, at: number, when: 'before' | 'after') {
  const program = new URL('./test/crash-child.ts', import.meta.url).pathname;
  return spawnSync(process.execPath, [program, home, `${at}`, when], { encoding: 'utf8', timeout: 60_000 });
}

for (const when of ['before', 'after'] as const)
  test(`kill -9 ${when} a write is on disk: the next host ends the run, and each task was carried out once`, () => {
    let killed = 0;
    for (const at of POINTS) {
      using home = temporaryHome();
      if (host(home.path, at, when).signal === 'SIGKILL') killed += 1;
      const next = host(home.path, -1, when);
      assert.equal(next.stdout.trim(), 'done', next.stderr);
      const keys = readFileSync(`${home.path}/done`, 'utf8').trim().split('\n');
      assert.deepEqual(keys.map((key) => key.split('/').slice(1).join('/')).toSorted(), TASKS);
    }
    assert.ok(killed >= 2);
  });
