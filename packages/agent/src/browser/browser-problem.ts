import { stripVTControlCharacters } from 'node:util';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { ASK_FOR_HOST } from '../tools/answer-of-mesh.ts';

const PROBLEM_CHARS = 600;

export function unavailable(message: string, cause?: unknown): OpenLegionError {
  const why = cause instanceof Error ? (cause.message.split('\n')[0] ?? '').slice(0, 300) : '';
  return new OpenLegionError(
    {
      code: 'unavailable',
      rule: 'agent.browser',
      message: why === '' ? `${message}.` : `${message}: ${why}`,
      remedy:
        'Try again; where it stays so, resources.memory_limit may be too small for a browser, or can_use_browser is new and the agent must be started anew.',
    },
    { cause },
  );
}

/** What a driver's error says, without the log of its tries and the colours; of a proxy that refused, what that means. */
export function describeProblem(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const [head = ''] = stripVTControlCharacters(text).split(/\n\s*Call log:/);
  const problem = head.trim().slice(0, PROBLEM_CHARS);
  return problem.includes('ERR_TUNNEL_CONNECTION_FAILED')
    ? `${problem}\nThe way out refused this host, or found none: it may not be granted (allowed_domains). ${ASK_FOR_HOST}`
    : problem;
}
