import { resolve } from 'node:path';
import { rolldown } from 'rolldown';

/* Prints a program of `container/` as one text. */
const bundle = await rolldown({
  input: resolve(import.meta.dirname, 'container', process.argv[2] ?? 'bench-agent.ts'),
  platform: 'node',
  logLevel: 'silent',
});
const { output } = await bundle.generate({ format: 'esm', minify: true, codeSplitting: false });
await bundle.close();
process.stdout.write(output[0].code);
