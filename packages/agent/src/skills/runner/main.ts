/*
 * The process that skills run in, one for each call: standard input brings one order as JSON, descriptor 3 takes the
 * answers as lines of JSON, and standard output and error are the skill's own.
 *
 *   {"describe": [file …]}               → {"begin": file}, then {"tools": […]} or {"problem": text}, for each
 *   {"call": {file, tool, input}}        → {"result": text} or {"problem": text, "arguments": boolean}
 *
 * What runs here can answer what it likes; whoever reads holds it to a schema and to names of its own.
 */
import { writeSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { text } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { definedTools, z } from './skill.ts';

const ANSWERS = 3;
/** The same module as here: beside this one in the sources, a file of its own in the image. */
const API = import.meta.url.endsWith('.ts')
  ? new URL('./skill.ts', import.meta.url).href
  : new URL('./skill-api.js', import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'openlegion/skill' ? { url: API, shortCircuit: true } : next(specifier, context),
});

const Order = z.union([
  z.strictObject({ describe: z.array(z.string()) }),
  z.strictObject({ call: z.strictObject({ file: z.string(), tool: z.string(), input: z.unknown() }) }),
]);

function say(answer: object): void {
  let bytes = Buffer.from(`${JSON.stringify(answer)}\n`);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(ANSWERS, bytes));
    } catch (error) {
      // The pipe is full for a moment.
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
    }
  }
}

const load = async (file: string) => definedTools(await import(pathToFileURL(file).href));

async function describe(file: string): Promise<void> {
  say({ begin: file });
  try {
    const tools = (await load(file)).map(({ name, description, schema }) => {
      const { $schema: _dialect, ...inputSchema } = z.toJSONSchema(schema, {
        io: 'input',
        unrepresentable: 'any',
      });
      return { name, description, inputSchema };
    });
    say({ tools });
  } catch (error) {
    say({ problem: explain(error) });
  }
}

async function call(file: string, name: string, input: unknown): Promise<void> {
  try {
    const tool = (await load(file)).find((defined) => defined.name === name);
    if (tool === undefined) return say({ problem: `its file no longer defines ${name}`, arguments: false });
    const parsed = tool.schema.safeParse(input);
    if (!parsed.success) {
      const problem = parsed.error.issues
        .slice(0, 10)
        .map(({ path, message }) => `${path.join('.') || 'arguments'}: ${message}`)
        .join('; ');
      return say({ problem, arguments: true });
    }
    const result = await tool.run(parsed.data);
    say({ result: typeof result === 'string' ? result : (JSON.stringify(result, null, 1) ?? 'done') });
  } catch (error) {
    say({ problem: explain(error), arguments: false });
  }
}

/** With the place in the skill's own files; the frames of this one and of Node say nothing to its author. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = fileURLToPath(import.meta.url);
  const frames = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line) && !line.includes('node:') && !line.includes(own));
  return [`${error.name}: ${error.message}`, ...frames.slice(0, 3)].join('\n');
}

const order = Order.parse(JSON.parse(await text(process.stdin)));
if ('describe' in order) for (const file of order.describe) await describe(file);
else await call(order.call.file, order.call.tool, order.call.input);
process.exit(0);
