import type { KeeperClient } from '../process/keeper-client.ts';
import { VaultError } from '../process/vault-error.ts';
import type { Admitted } from './answer/price-usage.ts';
import { boundCost, boundOutput } from './bound-cost.ts';
import type { CheckedCall } from './check-call.ts';
import type { ProviderAddress } from './provider/dial-provider.ts';
import type { Caller } from './read-caller.ts';

/** A call that the keeper admitted; from here on it must be settled, exactly once. */
export interface AdmittedCall extends CheckedCall {
  reservationId: string;
  secret: string | null;
  admitted: Admitted;
  /** As it is sent, with the output limit as granted. */
  body: Buffer;
}

/**
 * Reserves the worst case and receives the credential. The model goes to the keeper as the agent's policy names it,
 * the origin exactly as it will be dialled. Throws the keeper's refusal, `unavailable` while it is away.
 */
export async function reserveCall(
  call: CheckedCall,
  caller: Caller,
  { origin, hostname }: ProviderAddress,
  keeper: KeeperClient<'gateway'>,
): Promise<AdmittedCall> {
  const { provider, model, ask } = call;
  const wanted = boundOutput(ask, model);
  // The body with all that is wanted is both what is bounded and, nearly always, what is sent.
  const text = sealed(call, hostname, wanted.outputTokens);
  const body = Buffer.from(text);
  const bound = boundCost(ask, model, body, text);
  const outcome = await keeper.call('reserve', {
    agent: caller.agent,
    traceId: caller.traceId,
    model: `${provider.id}/${ask.model}`,
    origin,
    credential: provider.auth?.credential ?? null,
    inputMicroUsd: bound.inputMicroUsd,
    inputTokens: bound.inputTokens,
    ...wanted,
    outputMicroUsdPerMillion: bound.outputPrice,
  });
  if (!outcome.ok) throw new VaultError(outcome.refusal);
  const { reservationId, secret, reservedMicroUsd } = outcome.result;
  const outputTokens = Math.min(outcome.result.outputTokens, wanted.outputTokens);
  return {
    ...call,
    reservationId,
    secret,
    admitted: { bound, price: model.price, outputTokens, reservedMicroUsd },
    body: outputTokens === wanted.outputTokens ? body : Buffer.from(sealed(call, hostname, outputTokens)),
  };
}

function sealed({ rules, model, ask }: CheckedCall, host: string, outputTokens: number): string {
  const tokensPerChoice = Math.floor(outputTokens / ask.choices);
  return JSON.stringify(rules.seal(ask, { model: model.id, tokensPerChoice, host }));
}
