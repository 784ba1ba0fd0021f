/**
 * One model call from its first byte to its trailers: read (`read-caller`, `read-body`), checked (`check-call`),
 * reserved (`reserve-call`), dialled (`provider/dial-provider`), relayed (`answer/relay-answer`), settled.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Providers } from '../catalog/providers.ts';
import type { KeeperClient } from '../process/keeper-client.ts';
import { refusal } from '../process/refusal.ts';
import { refusalStatus } from '../process/refusal-status.ts';
import { createScrubber, isSearchable, secretForms } from '../scrub/scrub.ts';
import { asRefusal, refusalBody } from './answer/answer-refusal.ts';
import { isUnpaid } from './answer/is-unpaid.ts';
import { type ModelHealthRecord, retryAfterMs } from './answer/model-health.ts';
import { type Charge, chargeReservation, NOTHING } from './answer/price-usage.ts';
import { readProviderError } from './answer/read-provider-error.ts';
import { relayAnswer } from './answer/relay-answer.ts';
import { checkCall } from './check-call.ts';
import type { DialectRules } from './dialect/dialect.ts';
import type { MayUse } from './dialect/granted-tools.ts';
import type { ProviderAddress, ProviderDialer } from './provider/dial-provider.ts';
import { readBody } from './read-body.ts';
import { readCaller, readGrantedTools } from './read-caller.ts';
import { type AdmittedCall, reserveCall } from './reserve-call.ts';
import { createSettlement, type Settle, TRAILER_NAMES, trailersOf } from './settlement.ts';

export interface CallParts {
  providers: Providers;
  dialects: ReadonlyMap<string, DialectRules>;
  keeper: KeeperClient<'gateway'>;
  dialer: ProviderDialer;
  health: ModelHealthRecord;
  now: () => number;
  /** For faults of ours; must not print what it is given. */
  failed(error: unknown): void;
}

/** Whether the caller is still there; `leave` is what stops the work for them. */
export interface CallerPresence {
  gone: boolean;
  leave: (() => void) | null;
}

/**
 * Until the keeper has admitted the call, a refusal is thrown and nothing has happened; from then on it is answered
 * here and settled once.
 */
export async function handleCall(
  parts: CallParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const caller = readCaller(request);
  const presence: CallerPresence = { gone: false, leave: null };
  response.once('close', () => {
    if (response.writableFinished) return;
    presence.gone = true;
    presence.leave?.();
  });
  const bytes = await readBody(request);
  const mayUse = readGrantedTools(request);
  const checked = checkCall(request.url ?? '', bytes, parts.providers, parts.dialects, mayUse);
  const address = parts.dialer.addressOf(checked.provider);
  const call = await reserveCall(checked, caller, address, parts.keeper);
  const settle = createSettlement(call.reservationId, parts.keeper, parts.failed);
  try {
    await makeCall(parts, call, address, { settle, response, presence, mayUse });
  } catch (error) {
    // A fault of ours after the dial: what it cost is not known.
    settle(chargeReservation(call.admitted), 0);
    throw error;
  }
}

interface CallEnds {
  settle: Settle;
  response: ServerResponse;
  presence: CallerPresence;
  mayUse: MayUse;
}

async function makeCall(
  { dialer, health, now }: CallParts,
  call: AdmittedCall,
  address: ProviderAddress,
  { settle, response, presence, mayUse }: CallEnds,
): Promise<void> {
  const { provider, model, ask, secret, admitted, body } = call;
  const name = `${provider.id}/${model.id}`;
  const headers = headersOf(call);
  if (presence.gone || headers === null) {
    const charged = settle(NOTHING, 0);
    const key = { provider: provider.id, credential: provider.auth?.credential ?? '' };
    if (headers === null) endWithRefusal(response, refusal('vault.credential', key), charged);
    return;
  }
  const target = ask.route.target(model.id);
  const dialling = dialer.dial({ address, target, headers, body, presence });
  // Made ready once the call is on its way, while the provider works.
  await new Promise(setImmediate);
  const forms = secret === null ? [] : secretForms(secret);
  const scrubber = createScrubber(forms);
  const dialled = await dialling;
  if (!dialled.ok) {
    if (!presence.gone) health.note(name, 0, null);
    const charged = settle(dialled.sent ? chargeReservation(admitted) : NOTHING, 0);
    endWithRefusal(response, dialled.refusal, charged);
    return;
  }
  const { answer } = dialled;
  const status = answer.statusCode ?? 0;
  if (status >= 200 && status < 300) {
    const charge = await relayAnswer({ answer, response, call, forms, scrubber, settle, presence, mayUse });
    if (!presence.gone) health.note(name, charge.source === 'reservation' ? 0 : status, null);
    return;
  }
  const error = await readProviderError(answer, provider, secret);
  const wait = retryAfterMs(answer.headers['retry-after'], now());
  health.note(name, status, wait, isUnpaid(status, error.body));
  endWithTrailers(response, error.status, error.headers, error.body, settle(NOTHING, status));
}

/**
 * Only what the provider needs, made here; nothing of the caller's headers. Null for a key that cannot be sent: with
 * anything but visible ASCII it could end its header and begin another; one of fewer than eight characters could not
 * be told from ordinary text when answers are scrubbed of it.
 */
function headersOf({ provider, rules, ask, secret }: AdmittedCall): Record<string, string> | null {
  const { auth } = provider;
  if (auth && (secret === null || !isSearchable(secret))) return null;
  return {
    ...rules.headers,
    ...(auth ? { [auth.header]: auth.scheme === 'bearer' ? `Bearer ${secret}` : String(secret) } : {}),
    'content-type': 'application/json',
    accept: ask.stream ? 'text/event-stream' : 'application/json',
    'accept-encoding': 'identity',
    'user-agent': 'openlegion',
  };
}

function endWithRefusal(response: ServerResponse, error: unknown, charged: Charge): void {
  const refused = asRefusal(error);
  const headers = { 'content-type': 'application/json' };
  endWithTrailers(response, refusalStatus(refused.code), headers, refusalBody(refused), charged);
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
