import type { EgressAnswer, EgressDone, EgressRequest } from '@openlegion/contract/keeper-protocol';
import type { KeeperClient } from '../../process/keeper-client.ts';
import { VaultError } from '../../process/vault-error.ts';
import type { EgressClock } from './egress-clock.ts';

export type KeeperCalls = Pick<KeeperClient<'gateway'>, 'call'>;
/** What the end of a request is recorded as. */
export type Outcome = Omit<EgressDone, 'requestId'>;

/** What the keeper admitted; `done` records its end, once. */
export interface Admission {
  answer: EgressAnswer;
  done(outcome: Outcome): void;
}

export type Admissions = ReturnType<typeof createAdmissions>;

const RECHECK_MS = 2000;
/** Identifiers in one question, well within a line of the keeper's protocol. */
const MOST_IN_ONE = 1000;

/** What the keeper has admitted and is still open. */
export function createAdmissions(keeper: KeeperCalls, clock: EgressClock) {
  const open = new Map<string, () => void>();
  let cancel: (() => void) | null = null;

  function watch(): void {
    cancel = open.size === 0 ? null : clock.after(RECHECK_MS, () => void recheck().then(watch, watch));
  }

  async function recheck(): Promise<void> {
    const all = [...open.keys()];
    for (let at = 0; at < all.length; at += MOST_IN_ONE) {
      const requestIds = all.slice(at, at + MOST_IN_ONE);
      const outcome = await keeper.call('egressRecheck', { requestIds });
      for (const id of outcome.ok ? outcome.result.revoked : requestIds) open.get(id)?.();
    }
  }

  return {
    /**
     * Asks the keeper. `revoke` is called when the policy of later would refuse it, or when the keeper is gone, which
     * then has recorded it as ended. Throws the keeper's refusal.
     */
    async admit(request: EgressRequest, revoke: () => void): Promise<Admission> {
      const outcome = await keeper.call('egress', request);
      if (!outcome.ok) throw new VaultError(outcome.refusal);
      const { requestId } = outcome.result;
      open.set(requestId, revoke);
      if (!cancel) watch();
      return {
        answer: outcome.result,
        done(end) {
          if (open.delete(requestId)) void keeper.call('egressDone', { requestId, ...end });
        },
      };
    },
    close(): void {
      cancel?.();
      for (const revoke of open.values()) revoke();
    },
  };
}
