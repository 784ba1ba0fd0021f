import type { IncomingMessage } from 'node:http';
import type { GATEWAY_HEADERS } from '@openlegion/contract/gateway-protocol';
import { refuse } from './refuse.ts';

/** The contract's names; the type holds them to it. */
const HEADERS: typeof GATEWAY_HEADERS = { agent: 'x-openlegion-agent', trace: 'x-openlegion-trace' };

export interface Caller {
  agent: string;
  traceId: string;
}

/**
 * Whom the host calls for. Only the host reaches this socket, and it knows the agent by its pipe; the form is
 * checked because both go into the audit log. Node joins a header that comes twice, so two identities match neither.
 */
export function readCaller(request: IncomingMessage): Caller {
  const agent = request.headers[HEADERS.agent];
  const traceId = request.headers[HEADERS.trace];
  if (typeof agent !== 'string' || !/^[a-z][a-z0-9-]{0,62}$/.test(agent)) throw unnamed(HEADERS.agent);
  if (typeof traceId !== 'string' || !/^[A-Za-z0-9._:-]{1,100}$/.test(traceId)) throw unnamed(HEADERS.trace);
  return { agent, traceId };
}

function unnamed(header: string) {
  return refuse(
    'unauthenticated',
    'llm.caller',
    `A model call needs one ${header} header, which the host sets.`,
    'Model calls go through the host: use /llm on the pipe.',
  );
}
