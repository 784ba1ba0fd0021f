import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KeeperClient } from '../process/keeper-client.ts';
import { refusalStatus } from '../process/refusal-status.ts';
import { type AdmittedCall, admitCall, checkCall } from './admit-call.ts';
import { asRefusal, refusalBody } from './answer/answer-refusal.ts';
import { isUnpaid } from './answer/is-unpaid.ts';
import { type ModelHealthRecord, retryAfterMs } from './answer/model-health.ts';
import { type Charge, chargeReservation, NOTHING } from './answer/price-usage.ts';
import { readProviderError } from './answer/read-provider-error.ts';
import { relayAnswer } from './answer/relay-answer.ts';
import { credentialHeader } from './credential-header.ts';
import type { DialectRules } from './dialect/dialect.ts';
import type { ProviderDialer } from './provider/dial-provider.ts';
import type { Providers } from './provider/providers.ts';
import { readBody } from './read-body.ts';
import { readCaller } from './read-caller.ts';
import { readTarget } from './read-target.ts';
import { createSettlement, type Settlement, TRAILER_NAMES, trailersOf } from './settlement.ts';

export interface CallParts {
  providers: Providers;
  dialects: ReadonlyMap<string, DialectRules>;
  keeper: KeeperClient<'gateway'>;
  dialer: ProviderDialer;
  health: ModelHealthRecord;
  now: () => number;
}

/**
 * One model call from its first byte to its trailers. Until the keeper has admitted it, a refusal is thrown and
 * nothing has happened; from then on it is answered here and settled once, before the answer ends.
 */
export async function handleCall(
  parts: CallParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const caller = readCaller(request);
  const target = readTarget(request.url ?? '');
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  const checked = checkCall(target, await readBody(request), parts.providers, parts.dialects);
  const call = await admitCall(checked, caller, parts.keeper);
  const settlement = createSettlement(call, parts.keeper);
  try {
    await makeCall(parts, call, settlement, response, gone.signal);
  } catch (error) {
    // A fault of ours after the dial: what it cost is not known.
    await settlement.settle(chargeReservation(call.admitted), 0);
    throw error;
  }
}

async function makeCall(
  { dialer, health, now }: CallParts,
  call: AdmittedCall,
  settlement: Settlement,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const { provider, rules, model, ask, reservation, admitted } = call;
  const name = `${provider.id}/${model.id}`;
  const { secret } = reservation;
  if (signal.aborted) {
    await settlement.settle(NOTHING, 0);
    return;
  }
  let outgoing: { headers: Record<string, string>; body: Buffer };
  try {
    outgoing = sealCall(call, secret);
  } catch (error) {
    await refuseAdmitted(response, settlement, error, NOTHING, 0);
    return;
  }
  const dialled = await dialer.dial({ provider, target: ask.route.target(model.id), ...outgoing, signal });
  if (!dialled.ok) {
    if (!signal.aborted) health.note(name, 0, null);
    const charge = dialled.sent ? chargeReservation(admitted) : NOTHING;
    await refuseAdmitted(response, settlement, dialled.refusal, charge, 0);
    return;
  }
  const { answer } = dialled;
  const status = answer.statusCode ?? 0;
  if (status >= 200 && status < 300) {
    const charge = await relayAnswer({ answer, response, rules, admitted, ask, secret, settlement, signal });
    if (!signal.aborted) health.note(name, charge.source === 'reservation' ? 0 : status, null);
    return;
  }
  const error = await readProviderError(answer, provider, secret);
  const wait = retryAfterMs(answer.headers['retry-after'], now());
  health.note(name, status, wait, isUnpaid(status, error.body));
  const charged = await settlement.settle(NOTHING, status);
  endWithTrailers(response, error.status, error.headers, error.body, charged);
}

/** Only what the provider needs, made here; nothing of the caller's headers. */
function sealCall(
  call: AdmittedCall,
  secret: string | null,
): { headers: Record<string, string>; body: Buffer } {
  const { provider, rules, model, ask, admitted } = call;
  const sealed = rules.seal(ask, {
    model: model.id,
    tokensPerChoice: Math.floor(admitted.outputTokens / ask.choices),
    host: new URL(provider.baseUrl).hostname,
  });
  return {
    body: Buffer.from(JSON.stringify(sealed)),
    headers: {
      ...rules.headers,
      ...credentialHeader(provider, secret),
      'content-type': 'application/json',
      accept: ask.stream ? 'text/event-stream' : 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'openlegion',
    },
  };
}

async function refuseAdmitted(
  response: ServerResponse,
  settlement: Settlement,
  error: unknown,
  charge: Charge,
  httpStatus: number,
): Promise<void> {
  const refusal = asRefusal(error);
  const charged = await settlement.settle(charge, httpStatus);
  endWithTrailers(
    response,
    refusalStatus(refusal.code),
    { 'content-type': 'application/json' },
    refusalBody(refusal),
    charged,
  );
}

function endWithTrailers(
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  body: string,
  charged: Charge,
): void {
  if (response.destroyed) return;
  response.writeHead(status, { ...headers, trailer: TRAILER_NAMES });
  response.write(body);
  response.addTrailers(trailersOf(charged));
  response.end();
}
