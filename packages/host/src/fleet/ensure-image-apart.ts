import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { Refusal } from '@openlegion/contract/refusal';
import { z } from 'zod';
import { type ImageVariant, PLAIN_IMAGE } from '../image/image-variant.ts';

const PROGRAM = fileURLToPath(new URL('../image-main.ts', import.meta.url));

const Line = z.union([
  z.strictObject({ progress: z.string() }),
  z.strictObject({ image: z.string() }),
  z.strictObject({ refusal: Refusal }),
]);

/**
 * The name of an image of agents, made where it is missing, by a process of its own (`image-main.ts`). Throws what
 * that process refused; its standard error goes to ours.
 */
export async function ensureImageApart(options: {
  environment: NodeJS.ProcessEnv;
  log: (message: string) => void;
  signal: AbortSignal;
  /** Default: the plain one. */
  variant?: ImageVariant;
  program?: string;
}): Promise<string> {
  const child = spawn(
    process.execPath,
    [options.program ?? PROGRAM, JSON.stringify(options.variant ?? PLAIN_IMAGE)],
    {
      env: options.environment,
      stdio: ['pipe', 'pipe', 'inherit'],
      signal: options.signal,
    },
  );
  const ended = new Promise<Error | null>((resolve) => {
    child.once('error', resolve);
    child.once('close', () => resolve(null));
  });
  let image: string | undefined;
  let refusal: Refusal | undefined;
  for await (const text of createInterface({ input: child.stdout })) {
    const line = Line.parse(JSON.parse(text));
    if ('progress' in line) options.log(`image: ${line.progress}`);
    else if ('image' in line) image = line.image;
    else refusal = line.refusal;
  }
  const cause = await ended;
  if (image !== undefined) return image;
  throw new OpenLegionError(refusal ?? FAILED, { cause });
}

const FAILED: Refusal = {
  code: 'internal',
  rule: 'image.build',
  message: "The agents' image could not be made ready.",
  remedy: 'See data/logs/host.log.',
};
