import { randomBytes } from 'node:crypto';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import { NODE_COMMAND } from '../image/image-recipe.ts';
import type { ConnectPipe, MeshHandler, Pipe } from '../pipe/pipe.ts';
import type { Sandbox, SandboxBackend, SandboxSpec } from '../sandbox/sandbox-backend.ts';

const MEBIBYTE = 1024 * 1024;
export const PROBE_LIMITS = {
  memoryBytes: 384 * MEBIBYTE,
  pids: 256,
  /** After the start; the search through all files runs before it is put on. */
  cpus: 0.15,
  checkTimeoutMs: 120_000,
  answerBytes: 4 * MEBIBYTE,
} as const;

/** Where probes run: what a throw-away sandbox of the live installation is made of. */
export interface ProbeGround {
  backend: SandboxBackend;
  image: string;
  installation: string;
  connectPipe: ConnectPipe;
  handle: MeshHandler;
  signal: AbortSignal;
}

const ProbeAnswer = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), observation: z.unknown() }),
  z.object({ ok: z.literal(false), error: z.string() }),
]);

/** Starts the malicious agent in `mode`, without a volume of its own. The caller ends the sandbox. */
export function startProbe(ground: ProbeGround, mode: string): Promise<Sandbox> {
  const spec: SandboxSpec = {
    installation: ground.installation,
    agent: `verify-${randomBytes(4).toString('hex')}`,
    image: ground.image,
    command: [...NODE_COMMAND, '/opt/openlegion/probe.js', mode],
    memoryBytes: PROBE_LIMITS.memoryBytes,
    cpus: PROBE_LIMITS.cpus,
    pids: PROBE_LIMITS.pids,
    dataBytes: null,
  };
  return ground.backend.start(spec, ground.signal);
}

export interface ProbeSession extends AsyncDisposable {
  readonly sandbox: Sandbox;
  readonly pipe: Pipe;
  /** Runs one check inside. Throws when it cannot be run, or answers with something else than `schema`. */
  ask<S extends z.ZodType>(check: string, args: unknown, schema: S): Promise<z.output<S>>;
}

/** A probe that serves, with both sessions of its pipe open. Disposing it removes the sandbox. */
export async function openProbe(ground: ProbeGround): Promise<ProbeSession> {
  const sandbox = await startProbe(ground, 'serve');
  try {
    const pipe = await ground.connectPipe({ bytes: sandbox.pipe, handle: ground.handle });
    return {
      sandbox,
      pipe,
      ask: (check, args, schema) => askProbe(pipe, check, args, schema, ground.signal),
      async [Symbol.asyncDispose]() {
        pipe.close('the check is done');
        await sandbox.stop(0);
      },
    };
  } catch (error) {
    await sandbox.stop(0);
    throw error;
  }
}

/** What it comes to, or null when it has not within `ms`. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(resolve, ms, null);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function askProbe<S extends z.ZodType>(
  pipe: Pipe,
  check: string,
  args: unknown,
  schema: S,
  signal: AbortSignal,
): Promise<z.output<S>> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(PROBE_LIMITS.checkTimeoutMs)]);
  const response = await pipe.request({
    method: 'POST',
    path: '/probe',
    body: JSON.stringify({ check, args }),
    headersTimeoutMs: PROBE_LIMITS.checkTimeoutMs,
    maxBodyBytes: PROBE_LIMITS.answerBytes,
    signal: deadline,
  });
  const answer = ProbeAnswer.parse(await response.json());
  if (!answer.ok) throw probeFailed(check, answer.error);
  const observed = schema.safeParse(answer.observation);
  if (!observed.success)
    throw probeFailed(check, `unexpected form: ${observed.error.issues[0]?.message ?? ''}`);
  return observed.data;
}

function probeFailed(check: string, why: string): OpenLegionError {
  return new OpenLegionError({
    code: 'upstream_failed',
    rule: `verify.${check}`,
    message: `The check "${check}" failed inside the container: ${why.slice(0, 500)}`,
    remedy: 'Run "./openlegion verify" again.',
  });
}
