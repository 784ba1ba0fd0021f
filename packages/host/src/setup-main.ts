/**
 * Makes sure that there is an engine and the agents' image, before the host is started: a program of its own, run by
 * the command line on the person's terminal. Says each step as one line of JSON on standard output; exit code 0 when
 * all is there, 1 when not (the last line says why and what to do).
 */
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import { createEngineClient } from './engine/engine-client.ts';
import { findEngine } from './engine/find-engine.ts';
import { ensureImage } from './image/ensure-image.ts';

const Settings = z.strictObject({ home: z.string(), sandbox: z.boolean(), mayInstall: z.boolean() });

type SetupLine =
  | { step: 'engine' | 'image'; status: 'start' | 'progress' | 'done'; text: string }
  | { step: 'engine' | 'image'; status: 'failed'; text: string; remedy: string };

function say(line: SetupLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function setUp(signal: AbortSignal): Promise<void> {
  let step: 'engine' | 'image' = 'engine';
  try {
    say({ step, status: 'start', text: 'Looking for a container engine' });
    const search = await findEngine({ env: process.env, signal });
    if (!search.found) throw new OpenLegionError(search.refusal);
    const engine = await createEngineClient(search.address);
    const { Version: version } = await engine.version();
    say({ step, status: 'done', text: `Container engine: ${engine.flavour} ${version} (${search.source})` });

    step = 'image';
    say({ step, status: 'start', text: "Checking the agents' image" });
    const { image, built } = await ensureImage({
      engine,
      signal,
      onProgress: ({ text }) =>
        say({ step: 'image', status: 'progress', text: `Building the agents' image: ${text}` }),
    });
    say({ step, status: 'done', text: `Agents' image: ${image}${built ? ' (built)' : ''}` });
  } catch (error) {
    if (!(error instanceof OpenLegionError)) throw error;
    say({ step, status: 'failed', text: error.message, remedy: error.remedy });
    process.exitCode = 1;
  }
}

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort());
const [flag, json] = process.argv.slice(2);
if (flag !== '--config-json' || json === undefined) {
  process.stderr.write('This program is run by OpenLegion itself: use ./openlegion start.\n');
  process.exitCode = 2;
} else {
  Settings.parse(JSON.parse(json));
  await setUp(interrupted.signal);
}
