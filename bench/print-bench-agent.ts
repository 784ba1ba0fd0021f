import { resolve } from 'node:path';
import { rolldown } from 'rolldown';

/* Prints the program of `container/bench-agent.ts` as one text. */
const bundle = await rolldown({
  input: resolve(import.meta.dirname, 'container/bench-agent.ts'),
  platform: 'node',
  logLevel: 'silent',
});
const { output } = await bundle.generate({ format: 'esm', minify: true, codeSplitting: false });
await bundle.close();
process.stdout.write(output[0].code);
