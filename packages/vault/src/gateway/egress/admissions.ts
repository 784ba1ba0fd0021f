import type { EgressAnswer, EgressRequest } from '@openlegion/contract/keeper-protocol';
import type { KeeperClient } from '../../process/keeper-client.ts';
import { VaultError } from '../../process/vault-error.ts';
import type { EgressClock } from './egress-clock.ts';

export type KeeperCalls = Pick<KeeperClient<'gateway'>, 'call'>;

/** What the outcome of a request is recorded as. */
export interface Outcome {
  /** 0: no answer. */
  httpStatus: number;
  bytesUp: number;
  bytesDown: number;
}

/** What the keeper has admitted and is still open. */
export interface Admissions {
  /**
   * Asks the keeper. `revoke` is called when the policy of later would refuse it, or when the keeper is gone, which
   * then has recorded it as ended. Throws the keeper's refusal.
   */
  admit(request: EgressRequest, revoke: () => void): Promise<Admission>;
  close(): void;
}

export interface Admission {
  answer: EgressAnswer;
  /** Records its end; once. */
  done(outcome: Outcome): void;
}

const RECHECK_MS = 2000;
/** Identifiers in one question, well within a line of the keeper's protocol. */
const MOST_IN_ONE = 1000;

export function createAdmissions(keeper: KeeperCalls, clock: EgressClock): Admissions {
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
    async admit(request, revoke) {
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
    close() {
      cancel?.();
      for (const revoke of open.values()) revoke();
    },
  };
}
