import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Refusal } from '@openlegion/contract/refusal';

const COMMAND_REMEDY =
  'Check runtime.command and runtime.image of this agent in config/agents.yaml; docs/other-agents.md has commands that work.';

/** Why another agent program could not answer. `said` is its own words: shown as such, and bounded here. */
export function programFailed(program: string, what: string, said: string): OpenLegionError {
  return failure(
    'upstream_failed',
    'runtime.failed',
    `${name(program)} ${what}.${quoted(said)}`,
    COMMAND_REMEDY,
  );
}

export function programMissing(program: string, cause: unknown): OpenLegionError {
  const why = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
  return failure(
    'not_found',
    'runtime.command',
    `The program ${name(program)} could not be started${why}: the agent's image does not have it, or may not run it.`,
    'Name a program of the image, or set runtime.image to an image that has it.',
  );
}

export function brokenProtocol(program: string, what: string): OpenLegionError {
  return failure(
    'upstream_failed',
    'runtime.protocol',
    `${name(program)} broke the protocol: ${what.slice(0, 500)}.`,
    'Check that runtime.protocol is what this command speaks; a program that only reads and prints text is `stdin`.',
  );
}

export function tooLongForArgument(bytes: number, limit: number): OpenLegionError {
  return failure(
    'too_large',
    'runtime.message',
    `The message is ${bytes} bytes with what comes before it, and a command's argument can have ${limit}.`,
    'Take {message} out of runtime.command: the program is then given the message on its standard input.',
  );
}

export function tooMuchOutput(program: string, mebibytes: number): OpenLegionError {
  return failure(
    'too_large',
    'runtime.output',
    `${name(program)} printed more than ${mebibytes} MiB for one message and was stopped.`,
    'Make it print its answer alone: whatever it prints on standard output is the answer.',
  );
}

/** The end of a message in whose turn the agent itself was stopped. */
export const OUTCOME_UNKNOWN: Refusal = {
  code: 'upstream_failed',
  rule: 'runtime.outcome_unknown',
  message:
    'The agent was stopped while its program was at work on this message. What it did by then may or may not have taken effect; it was not run again.',
  remedy: 'Look at what it has done, then send what is still to do as a new message.',
};

function failure(
  code: 'upstream_failed' | 'not_found' | 'too_large',
  rule: string,
  message: string,
  remedy: string,
): OpenLegionError {
  return new OpenLegionError({ code, rule, message: message.slice(0, 2000), remedy });
}

function name(program: string): string {
  return (program.split('/').at(-1) ?? program).slice(0, 100);
}

function quoted(said: string): string {
  // Control characters of a program's words would steer the terminal that shows them.
  const text = said.replaceAll(/[[\p{Cc}\p{Cf}]--[\n\t]]/gv, '').trim();
  return text === '' ? '' : ` Its last words: ${text}`;
}
