import type { IncomingMessage } from 'node:http';
import type { GATEWAY_HEADERS } from '@openlegion/contract/gateway-protocol';
import { isObject, parseJson } from '../process/parse-json.ts';
import { refusal } from '../process/refusal.ts';
import { createMayUse, type MayUse } from './dialect/granted-tools.ts';

/** The contract's names; the type holds them to it. */
const HEADERS: typeof GATEWAY_HEADERS = {
  agent: 'x-openlegion-agent',
  trace: 'x-openlegion-trace',
  tools: 'x-openlegion-tools',
};

export interface Caller {
  agent: string;
  traceId: string;
}

/**
 * Whom the host calls for. Only the host reaches this socket, and it knows the agent by its pipe; the form is
 * checked because both go into the audit log. Node joins a header that comes twice, so two identities match neither.
 */
export function readCaller({ headers }: IncomingMessage): Caller {
  const { [HEADERS.agent]: agent, [HEADERS.trace]: traceId } = headers;
  if (typeof agent !== 'string' || !/^[a-z][a-z0-9-]{0,62}$/.test(agent))
    throw refusal('llm.caller', { header: HEADERS.agent });
  if (typeof traceId !== 'string' || !/^[A-Za-z0-9._:-]{1,100}$/.test(traceId))
    throw refusal('llm.caller', { header: HEADERS.trace });
  return { agent, traceId };
}

/** The agent's `allowed_tools`, which comes with every model call. Without it nothing is known to be granted. */
export function readGrantedTools({ headers }: IncomingMessage): MayUse {
  const text = headers[HEADERS.tools];
  const record = typeof text === 'string' ? parseJson(Buffer.from(text, 'latin1')) : null;
  if (!isObject(record)) throw refusal('llm.caller', { header: HEADERS.tools });
  return createMayUse(
    new Map(Object.entries(record).map(([name, grant]) => [name, grant === 'allow' || grant === 'ask'])),
  );
}
