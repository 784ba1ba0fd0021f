import { setTimeout as wait } from 'node:timers/promises';
import { RUNTIME_LIMITS } from '../runtime-limits.ts';
import { programFailed } from '../runtime-refusals.ts';
import { type Program, startProgram } from '../start-program.ts';

const RETRY_MS = 200;
const ANSWER_MS = 5000;

/** A program that serves on the container's loopback: started with the first message, and again after its end. */
export interface ProgramServer {
  /** Resolves once it answers; rejects with its last words where it does not within two minutes, or ends. */
  ready(signal: AbortSignal): Promise<Program>;
}

export function createProgramServer(options: {
  command: readonly string[];
  cwd: string;
  variables: () => Record<string, string>;
  base: string;
  fetch: typeof fetch;
}): ProgramServer {
  const { command, cwd, variables, base } = options;
  let running: Program | undefined;

  /** Any answer is one: not every server lists models. */
  const answers = async (signal: AbortSignal): Promise<boolean> => {
    try {
      const response = await options.fetch(`${base}/models`, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
      });
      await response.body?.cancel();
      return true;
    } catch {
      return false;
    }
  };

  return {
    async ready(signal) {
      if (running !== undefined && !running.ended() && (await answers(signal))) return running;
      signal.throwIfAborted();
      // One that lives and does not answer is of no use any more.
      await running?.stop();
      const program = await startProgram({ command, cwd, env: variables() });
      running = program;
      // What it prints is its log, and no one's answer.
      void discard(program);
      program.rest();
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(RUNTIME_LIMITS.startMs)]);
      while (!(await answers(deadline))) {
        if (program.ended())
          throw programFailed(program.name, 'ended before it answered', program.lastWords());
        if (deadline.aborted) {
          await program.stop();
          signal.throwIfAborted();
          const seconds = RUNTIME_LIMITS.startMs / 1000;
          throw programFailed(
            program.name,
            `did not answer at ${base} within ${seconds} s`,
            program.lastWords(),
          );
        }
        await wait(RETRY_MS, undefined, { signal: deadline }).catch(() => {});
      }
      return program;
    },
  };
}

async function discard(program: Program): Promise<void> {
  for await (const _chunk of program.output()) {
    program.attend();
    program.rest();
  }
}
