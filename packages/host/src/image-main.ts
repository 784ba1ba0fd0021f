/**
 * Makes sure of an image of agents, of the variant that its argument says as JSON, and prints its name: a program of its own, because what bundles the agent keeps
 * two hundred megabytes for the rest of a process's life. Lines of JSON on standard output: `progress` as often as
 * there is any, then `image`, or `refusal` and exit code 1.
 */
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Refusal } from '@openlegion/contract/refusal';
import { createEngineClient } from './engine/engine-client.ts';
import { findEngine } from './engine/find-engine.ts';
import { ensureImage } from './image/ensure-image.ts';
import { ensureForeignImage } from './image/foreign/ensure-foreign-image.ts';
import { ImageVariant } from './image/image-variant.ts';

type ImageLine = { progress: string } | { image: string } | { refusal: Refusal };

const say = (line: ImageLine) => void process.stdout.write(`${JSON.stringify(line)}\n`);
const stopping = new AbortController();
process.on('SIGTERM', () => stopping.abort());
// The host's end is ours too.
process.stdin.on('end', () => stopping.abort());
process.stdin.resume();
process.stdin.unref();

try {
  const { signal } = stopping;
  const search = await findEngine({ env: process.env, signal });
  if (!search.found) throw new OpenLegionError(search.refusal);
  const engine = await createEngineClient(search.address);
  const onProgress = ({ step, text }: { step: string; text: string }) =>
    say({ progress: `${step}: ${text}` });
  const variant = ImageVariant.parse(JSON.parse(process.argv[2] ?? ''));
  const { from } = variant;
  const ours = { engine, signal, onProgress };
  const { image } =
    from === undefined
      ? await ensureImage({ ...ours, variant })
      : await ensureForeignImage({ ...ours, from, agent: (await ensureImage(ours)).image });
  say({ image });
  engine.close();
} catch (error) {
  if (!(error instanceof OpenLegionError)) throw error;
  say({ refusal: error.refusal });
  process.exitCode = 1;
}
