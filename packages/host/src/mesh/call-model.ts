import type { IncomingMessage } from 'node:http';
import { GATEWAY_HEADERS, GATEWAY_TRAILERS } from '@openlegion/contract/gateway-protocol';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { AgentPermissions } from '@openlegion/contract/permissions-config';
import { z } from 'zod';
import type { MeshRequest } from '../pipe/pipe.ts';
import type { Caller } from '../vault/call-gateway.ts';
import type { GatewayClient } from '../vault/gateway-client.ts';
import { forwardCall } from './forward-call.ts';

/** Visible ASCII without what could end a header line, split a URL or be read twice. */
const MODEL_PATH =
  /^\/llm\/[a-z0-9][a-z0-9._-]{0,62}\/[A-Za-z0-9._~:/@+,;=%-]{1,500}(?:\?[A-Za-z0-9._~:/@+,;=%&-]{0,500})?$/;
/** Of the provider's answer, what the agent may see. */
const PASSED_HEADERS = ['content-type', 'retry-after', 'x-request-id'] as const;
const REASON_CHARACTERS = 200;

/** As providers and the gateway itself say why not. */
const FailureBody = z.object({
  error: z.union([z.string(), z.object({ message: z.string() }).transform(({ message }) => message)]),
});

export interface ModelCall {
  /** Null where the gateway named none. */
  charge: { chargedMicroUsd: number; inputTokens: number; outputTokens: number } | null;
  /** Null for an answer. */
  failure: { httpStatus: number; reason: string } | null;
}

/**
 * One call to a model. Of the agent's headers only content-type and accept go on. The end of the answer is the
 * caller's to send. A call whose answer broke off is a failure too, of which the agent's stream must be cut; null
 * where it was the agent that went away.
 */
export async function callModel(
  request: MeshRequest,
  caller: Caller & { allowedTools: AgentPermissions['allowed_tools'] },
  gateway: GatewayClient,
): Promise<(ModelCall & { cut?: unknown }) | null> {
  const { path, headers } = request;
  if (!MODEL_PATH.test(path) || path.includes('/../') || path.includes('/./')) throw badPath();
  const passed = {
    request: {
      'content-type': headers['content-type'] ?? 'application/json',
      ...(headers.accept === undefined ? {} : { accept: headers.accept }),
      [GATEWAY_HEADERS.tools]: toolsHeader(caller.allowedTools),
    },
    answer: passedHeaders,
  };
  try {
    const { agent, traceId } = caller;
    const forwarded = await forwardCall(request, passed, { agent, traceId }, gateway);
    if (!forwarded) return null;
    const { status, trailers, failure } = forwarded;
    return {
      charge: chargeOf(trailers),
      failure: failure && { httpStatus: status, reason: reasonOf(failure) },
    };
  } catch (cut) {
    const reason = cut instanceof OpenLegionError ? cut.message : 'The answer broke off.';
    return { charge: null, failure: { httpStatus: 0, reason }, cut };
  }
}

/** In ASCII, as a header must be. */
function toolsHeader(tools: AgentPermissions['allowed_tools']): string {
  // The search for tools does nothing by itself; an entry of the operator's own goes before.
  return JSON.stringify({ find_tools: 'allow', ...tools }).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function passedHeaders(answer: IncomingMessage): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const name of PASSED_HEADERS) {
    const value = answer.headers[name];
    if (typeof value === 'string') passed[name] = value;
  }
  return passed;
}

function chargeOf(trailers: NodeJS.Dict<string>): ModelCall['charge'] {
  const chargedMicroUsd = wholeNumber(trailers[GATEWAY_TRAILERS.chargedMicroUsd]);
  const inputTokens = wholeNumber(trailers[GATEWAY_TRAILERS.inputTokens]);
  const outputTokens = wholeNumber(trailers[GATEWAY_TRAILERS.outputTokens]);
  if (chargedMicroUsd === null || inputTokens === null || outputTokens === null) return null;
  return { chargedMicroUsd, inputTokens, outputTokens };
}

function wholeNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** One line of what was answered, for people; the answer itself is the agent's. */
function reasonOf(body: Buffer): string {
  try {
    const parsed = FailureBody.safeParse(JSON.parse(body.toString('utf8')));
    if (parsed.success) {
      const plain = parsed.data.error.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').trim();
      if (plain !== '') return plain.slice(0, REASON_CHARACTERS);
    }
  } catch {
    // Not JSON, or cut where we stopped reading: the status must do.
  }
  return 'It was refused without a reason that can be shown.';
}

function badPath(): OpenLegionError {
  return new OpenLegionError({
    code: 'bad_request',
    rule: 'mesh.llm.path',
    message: 'This is not the path of a model interface.',
    remedy: 'Use /llm/{provider}/ and the path that the provider documents.',
  });
}
