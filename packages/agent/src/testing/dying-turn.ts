/*
 * A process of its own for the tests that kill it: runs one turn on a database, and ends itself with SIGKILL before
 * or after the n-th write (0: never). What its tools do is a line in a file, as an effect that cannot be undone. Of the
 * last call a person is asked first.
 * Arguments: the directory, n, `before` or `after`.
 */
import { appendFileSync } from 'node:fs';
import type { Database } from '../history/database.ts';
import { createAskApproval } from '../loop/ask-approval.ts';
import { fakeMesh } from './fake-mesh.ts';
import { callTools, fakeTool, playModel, say, turnRig } from './turn-rig.ts';

const [directory = '', number = '0', when = 'before'] = process.argv.slice(2);
const effects = (line: string) => appendFileSync(`${directory}/effects`, `${line}\n`);

function dying(database: Database, at: number): Database {
  let writes = 0;
  const count = (work: () => void) => {
    writes++;
    if (writes === at && when === 'before') process.kill(process.pid, 'SIGKILL');
    work();
    if (writes === at && when === 'after') process.kill(process.pid, 'SIGKILL');
  };
  return { ...database, write: (sql, ...values) => count(() => database.write(sql, ...values)) };
}

let asked = 0;
const model = playModel((): ReturnType<typeof say> => {
  asked++;
  effects(`asked ${asked}`);
  const answered = rig.history.turnEntries('m1').filter((item) => item.kind === 'assistant').length;
  if (answered === 0) {
    return callTools({ tool: 'effect', input: { value: 'a' } }, { tool: 'effect', input: { value: 'b' } });
  }
  if (answered === 1) return callTools({ tool: 'asked', input: { value: 'c' } });
  return say('all done');
});
const rig = turnRig({
  file: `${directory}/agent.db`,
  stream: model.stream,
  wrap: (database) => dying(database, Number(number)),
  tools: ['effect', 'asked'].map((name) =>
    fakeTool(name, async (value) => {
      effects(`ran ${value}`);
      return { outcome: 'ok', output: `result ${value}` };
    }),
  ),
  approve: (call) => approve(call),
});
const mesh = fakeMesh({ other: () => ({ body: { id: 'a1', by: 'anna', hash: 'h' } }) });
const approve = createAskApproval(mesh, { granted: ['effect', 'asked'], askFor: ['asked'] }, rig.history);
const events = await rig.run('m1');
process.stdout.write(`${JSON.stringify(events.at(-1))}\n${JSON.stringify(rig.history.turnEntries('m1'))}\n`);
