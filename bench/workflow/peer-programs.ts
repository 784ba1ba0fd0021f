/* Programs that run a chain of steps on another engine, each in its own cache, beside its package. They print milliseconds. */

/** Of a chain of `steps`, each given what the one before it came to: from the start of the first to the end of the last. */
const CHAIN = `
const steps = Number(process.argv[2]);
let startedAt = 0;
const work = async (index, before) => {
  if (index === 0) startedAt = performance.now();
  return { n: before.n + 1 };
};
const finish = (result) => {
  if (result.n !== steps) throw new Error('the chain came to ' + result.n);
  console.log(performance.now() - startedAt);
};
`;

/** OpenWorkflow on a SQLite file: arguments are the number of steps and the file. */
export const OPENWORKFLOW_PROGRAM = `
import { OpenWorkflow } from 'openworkflow';
import { BackendSqlite } from 'openworkflow/sqlite';
${CHAIN}
const backend = BackendSqlite.connect(process.argv[3]);
const client = new OpenWorkflow({ backend });
const chain = client.defineWorkflow({ name: 'chain' }, async ({ step }) => {
  let result = { n: 0 };
  for (let index = 0; index < steps; index += 1)
    result = await step.run({ name: 's' + index }, () => work(index, result));
  finish(result);
  return result;
});
const worker = client.newWorker();
await worker.start();
const handle = await chain.run({});
await handle.result();
await worker.stop();
process.exit(0);
`;

/** DBOS on PostgreSQL: arguments are the number of steps and the address of the database. */
export const DBOS_PROGRAM = `
import { DBOS } from '@dbos-inc/dbos-sdk';
${CHAIN}
DBOS.setConfig({ name: 'bench', systemDatabaseUrl: process.argv[3], logLevel: 'error', runAdminServer: false });
const chain = DBOS.registerWorkflow(async () => {
  let result = { n: 0 };
  for (let index = 0; index < steps; index += 1)
    result = await DBOS.runStep(() => work(index, result), { name: 's' + index });
  finish(result);
  return result;
}, { name: 'chain' });
await DBOS.launch();
await chain();
await DBOS.shutdown();
process.exit(0);
`;
