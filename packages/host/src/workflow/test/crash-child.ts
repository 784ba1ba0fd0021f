import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { createSystemClock } from '../../clock.ts';
import type { Database } from '../../store/database.ts';
import type { StepTask, TaskOutcome } from '../step-dispatch.ts';
import { definitionOf, openFixture } from './workflow-fixture.ts';

/**
 * A host that is killed at its n-th write, before or after it is on disk. Argument: home, n (negative for never),
 * `before` or `after`. What its agents did stands in `{home}/done`, a line for each task carried out.
 */
const [home = '', at = '-1', when] = process.argv.slice(2);
const path = `${home}/done`;
const lines = () => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []);

const agents = {
  async run(task: StepTask): Promise<TaskOutcome> {
    // As a lane does: what was carried out under this key is not carried out again.
    if (!lines().includes(task.key)) appendFileSync(path, `${task.key}\n`);
    if (task.step === 'flaky' && task.attempt === 1) return { kind: 'failed', message: 'no' };
    return { kind: 'done', result: [1, 2, 3] };
  },
  cancel: () => {},
};

let writes = 0;
const around = (database: Database): Database => ({
  ...database,
  async write(work) {
    const mine = ++writes === Number(at);
    if (mine && when === 'before') process.kill(process.pid, 'SIGKILL');
    const value = await database.write(work);
    if (mine) process.kill(process.pid, 'SIGKILL');
    return value;
  },
});

const step = { agent: 'worker', task_type: 'x' };
const workflow = definitionOf({
  name: 'w',
  steps: [
    { id: 'a', ...step },
    { id: 'each', ...step, depends_on: ['a'], for_each: 'a.result', max_parallel: 2 },
    { id: 'flaky', ...step, depends_on: ['a'], on_failure: 'retry', max_retries: 1 },
    { id: 'last', ...step, depends_on: ['each', 'flaky'], condition: 'size(each.result) == 3' },
  ],
  on_complete: 'w_done',
});
const fixture = openFixture({
  home,
  workflows: [workflow],
  agents: { ...agents, tasks: new Map(), cancelled: [], begun: () => [], end: () => {} },
  approve: () => 'nobody',
  clock: { ...createSystemClock(), advance: () => {}, waiting: () => 0 },
  around,
});
await fixture.accept();
fixture.engine.resume();
const started = await fixture.start('w', null, 'once');
const keepAlive = setInterval(() => {}, 1000);
const ended = started.ok ? await fixture.engine.ended(started.record.id) : null;
clearInterval(keepAlive);
console.log(ended?.status ?? 'none');
await fixture.close();
