/**
 * Makes sure that the configuration can be used (where it is given a home) and that there is an engine and the
 * agents' image, before the host is started: a program of its own, run by the command line. Says each step as one line of JSON on standard output; a `question` is answered with a line
 * `yes` or anything else on standard input. Exit code 0 when all is there, 1 when not (the last line says why and
 * what to do).
 */
import { createInterface } from 'node:readline';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import { requireConfig } from './config/require-config.ts';
import { createEngineClient, type EngineClient } from './engine/engine-client.ts';
import { findEngine } from './engine/find-engine.ts';
import { installEngine } from './engine/install-engine.ts';
import { createMachine } from './engine/machine.ts';
import { ensureImage } from './image/ensure-image.ts';
import { chooseRuntime } from './sandbox/choose-runtime.ts';

const Settings = z.strictObject({ home: z.string().nullable(), sandbox: z.boolean() });

type SetupLine =
  | { step: Step; status: 'start' | 'progress' | 'question' | 'done'; text: string }
  | { step: Step; status: 'failed'; text: string; remedy: string };
type Step = 'configuration' | 'engine' | 'image';

const say = (line: SetupLine) => void process.stdout.write(`${JSON.stringify(line)}\n`);
const progress = (step: Step, text: string) => say({ step, status: 'progress', text });

async function setUp({ home, sandbox }: z.infer<typeof Settings>, signal: AbortSignal): Promise<void> {
  let step: Step = 'configuration';
  using answers = readAnswers();
  const confirm = (text: string) => {
    say({ step, status: 'question', text });
    return answers.next();
  };
  try {
    // A mistake in a file is told before minutes go into an engine and an image.
    if (home !== null) requireConfig(home, () => {});

    step = 'engine';
    say({ step, status: 'start', text: 'Looking for a container engine' });
    const search = await installEngine({
      machine: createMachine(process.env),
      find: () => findEngine({ env: process.env, signal }),
      confirm,
      onProgress: (line) => progress('engine', line),
      signal,
    });
    if (!search.found) throw new OpenLegionError(search.refusal);
    const engine = await createEngineClient(search.address);
    const { Version: version } = await engine.version();
    say({ step, status: 'done', text: `Container engine: ${engine.flavour} ${version} (${search.source})` });
    if (sandbox) await agreeToRuntime(engine, confirm);

    step = 'image';
    say({ step, status: 'start', text: "Checking the agents' image" });
    const { image, built } = await ensureImage({
      engine,
      signal,
      onProgress: ({ step: part, text }) =>
        progress('image', part === 'bundle' ? text : `Building the agents' image: ${text}`),
    });
    say({ step, status: 'done', text: `Agents' image: ${image}${built ? ' (built)' : ''}` });
  } catch (error) {
    if (!(error instanceof OpenLegionError)) throw error;
    say({ step, status: 'failed', text: error.message, remedy: error.remedy });
    process.exitCode = 1;
  }
}

/** What `--sandbox` costs is said, and agreed to, before anything runs in it. */
async function agreeToRuntime(
  engine: EngineClient,
  confirm: (text: string) => Promise<boolean>,
): Promise<void> {
  const choice = await chooseRuntime(engine, true);
  if (!choice.chosen) throw new OpenLegionError(choice.refusal);
  say({
    step: 'engine',
    status: 'done',
    text: `Sandbox: ${choice.runtime ?? 'the default'}, ${choice.boundary}`,
  });
  if (choice.lost.length === 0) return;
  const lost = choice.lost.map(({ enforcement, why }) => `${enforcement}: ${why}`).join('\n');
  if (await confirm(`With this sandbox the following cannot be enforced:\n${lost}\nGo on with it?`)) return;
  throw new OpenLegionError({
    code: 'denied',
    rule: 'sandbox.agreement',
    message: `The sandbox cannot enforce what the engine's default runtime can, and a yes was not given:\n${lost}`,
    remedy: 'Start without --sandbox, or agree: in the terminal, or with --yes.',
  });
}

/** At the end of input every question is answered no. */
function readAnswers(): { next(): Promise<boolean> } & Disposable {
  const lines = createInterface({ input: process.stdin });
  const iterator = lines[Symbol.asyncIterator]();
  return {
    next: async () => (await iterator.next()).value === 'yes',
    [Symbol.dispose]: () => {
      lines.close();
      process.stdin.destroy();
    },
  };
}

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort());
const [flag, json] = process.argv.slice(2);
if (flag !== '--config-json' || json === undefined) {
  process.stderr.write('This program is run by OpenLegion itself: use ./openlegion start.\n');
  process.exitCode = 2;
} else {
  await setUp(Settings.parse(JSON.parse(json)), interrupted.signal);
}
