import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import type { Bench, Figure } from './measure.ts';
import { figuresTable } from './print-figures.ts';

/* `npm run bench`: every figure beside its peer or floor, measured by turns in the same run. */

const BENCHES: Record<string, () => Promise<Bench>> = {
  start: async () => (await import('./start.ts')).benchStart,
  pipe: async () => (await import('./pipe.ts')).benchPipe,
  model: async () => (await import('./model.ts')).benchModel,
  gateway: async () => (await import('./gateway.ts')).benchGateway,
  egress: async () => (await import('./egress.ts')).benchEgress,
  memory: async () => (await import('./memory.ts')).benchMemory,
  'at-work': async () => (await import('./at-work.ts')).benchAtWork,
  'memory-search': async () => (await import('./memory-search.ts')).benchMemorySearch,
  host: async () => (await import('./host.ts')).benchHost,
  lanes: async () => (await import('./lanes.ts')).benchLanes,
  workflow: async () => (await import('./workflow.ts')).benchWorkflow,
  coordination: async () => (await import('./coordination.ts')).benchCoordination,
};

const USAGE = `npm run bench -- [--only NAME]… [--json] [--image IMAGE] [--effort N]
  NAME: ${Object.keys(BENCHES).join(', ')}
  --image   uses this image instead of building the agent's
  --effort  multiplies the repetitions (default 1)
Exit code 1 when a figure is over its bound or could not be measured.`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
    image: { type: 'string' },
    effort: { type: 'string', default: '1' },
    run: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const unknown = values.only?.find((name) => !(name in BENCHES));
if (values.help || unknown !== undefined) {
  console.error(unknown === undefined ? USAGE : `There is no bench "${unknown}".\n${USAGE}`);
  process.exit(values.help ? 0 : 2);
}

const progress = (text: string) => {
  if (!values.json) process.stderr.write(`${text}\n`);
};
if (values.run !== undefined) {
  // In a process of its own, so that no bench is measured with what another one left in memory.
  const bench = await BENCHES[values.run]?.();
  const figures = await bench?.({ image: values.image ?? '', progress, effort: Number(values.effort) });
  process.stdout.write(JSON.stringify(figures));
  process.exit(0);
}

const image = values.image ?? (await (await import('./bench-image.ts')).benchImage(progress));
const figures: Figure[] = [];
const failures: { bench: string; error: string }[] = [];
for (const name of Object.keys(BENCHES)) {
  if (values.only && !values.only.includes(name)) continue;
  progress(`${name} …`);
  const options = ['--run', name, '--image', image, '--effort', values.effort];
  const child = spawnSync(process.execPath, [import.meta.filename, ...options], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (child.status === 0) figures.push(...JSON.parse(child.stdout));
  else failures.push({ bench: name, error: child.stderr.trim() });
}
if (values.json) {
  process.stdout.write(`${JSON.stringify({ image, figures, failures }, null, 2)}\n`);
} else {
  process.stdout.write(`${figuresTable(figures)}\n`);
  for (const { bench, error } of failures) process.stdout.write(`${bench}: not measured: ${error}\n`);
}
process.exit(failures.length > 0 || figures.some(({ verdict }) => verdict === 'over') ? 1 : 0);
