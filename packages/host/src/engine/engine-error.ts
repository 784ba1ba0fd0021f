import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { RefusalCode } from '@openlegion/contract/refusal';
import { safeText } from './safe-text.ts';

/** The engine answered a call with an error. `status` is its HTTP status; `message` quotes it, cleaned and bounded. */
export class EngineError extends OpenLegionError {
  readonly status: number;

  constructor(operation: string, status: number, engineMessage: string) {
    super({
      code: codeFor(status, engineMessage),
      rule: `engine.${operation}`,
      message: `The container engine refused "${operation}" (${status}): ${safeText(engineMessage) || 'no reason given'}`,
      remedy: remedyFor(engineMessage),
    });
    this.status = status;
  }
}

/** The engine could not be reached, or the connection to it broke in the middle of a call. */
export function engineUnreachable(operation: string, address: string, cause: unknown): OpenLegionError {
  const code = errorCode(cause);
  const why =
    {
      ENOENT: 'there is no socket',
      ECONNREFUSED: 'nothing listens there (the engine is not running)',
      EACCES: 'this user may not open the socket',
      ECONNRESET: 'the connection was cut',
      EPIPE: 'the connection was cut',
    }[code] ??
    (code || 'the connection failed');
  return new OpenLegionError(
    {
      code: 'unavailable',
      rule: `engine.${operation}`,
      message: `The container engine at ${address} cannot be reached: ${why}.`,
      remedy: 'Start the engine (on Debian: sudo systemctl start docker).',
    },
    { cause },
  );
}

/** The `code` of a Node system error, or the empty text. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

const FULL = /no space left on device|disk quota exceeded/i;

function codeFor(status: number, engineMessage: string): RefusalCode {
  if (FULL.test(engineMessage)) return 'disk_full';
  return status === 404 ? 'not_found' : status === 409 ? 'conflict' : 'upstream_failed';
}

function remedyFor(engineMessage: string): string {
  if (FULL.test(engineMessage)) {
    return "The engine's disk is full: free space where it keeps its data (docker system df).";
  }
  if (/no such image/i.test(engineMessage))
    return 'The image is gone: start again, it is built when missing.';
  if (/unknown runtime|unknown or invalid runtime|runtime .* not found/i.test(engineMessage)) {
    return 'Register the runtime with the engine (docker info lists those it has), or start without --sandbox.';
  }
  return "Look at the engine's own log (on Debian: journalctl -u docker).";
}
