import type { ReserveRequest, SettleRequest } from '@openlegion/contract/keeper-protocol';
import { grantOutput } from '../../keeper/grant.ts';
import type { KeeperClient, KeeperOutcome } from '../../process/keeper-client.ts';

export const SECRET = 'sk-test/9Zq+7Jm2"Vt%Kd4Xw8Ry';

export interface FakeKeeper extends KeeperClient<'gateway'> {
  reserved: ReserveRequest[];
  settled: SettleRequest[];
  /** What the next reservations may cost; unlimited at first. */
  roomMicroUsd: number;
  away: boolean;
  /** The reservation of each id, in micro-dollars. */
  amounts: Map<string, number>;
}

/** Admits by the keeper's own arithmetic and remembers; `test/budget.test.ts` has the real one. */
export function createFakeKeeper(secret: string | null = SECRET): FakeKeeper {
  const amounts = new Map<string, number>();
  const away: KeeperOutcome<never> = {
    ok: false,
    refusal: { code: 'unavailable', rule: 'vault.keeper', message: 'away', remedy: 'wait' },
  };

  function reserve(request: ReserveRequest): KeeperOutcome<unknown> {
    fake.reserved.push(request);
    const granted = grantOutput(request, fake.roomMicroUsd);
    if (!granted)
      return {
        ok: false,
        refusal: { code: 'budget_exceeded', rule: 'budget.daily', message: 'spent', remedy: 'raise it' },
      };
    const reservationId = `r${fake.reserved.length}`;
    amounts.set(reservationId, granted.microUsd);
    return {
      ok: true,
      result: {
        reservationId,
        outputTokens: granted.outputTokens,
        reservedMicroUsd: granted.microUsd,
        secret: request.credential === null ? null : secret,
      },
    };
  }

  function settle(request: SettleRequest): KeeperOutcome<unknown> {
    const amount = amounts.get(request.reservationId);
    if (amount === undefined || request.chargedMicroUsd > amount)
      throw new Error('settled above the reservation, or what was never reserved');
    if (fake.settled.some(({ reservationId }) => reservationId === request.reservationId))
      throw new Error('settled twice');
    fake.settled.push(request);
    return { ok: true, result: { spentTodayMicroUsd: 0 } };
  }

  const fake: FakeKeeper = {
    reserved: [],
    settled: [],
    roomMicroUsd: Number.MAX_SAFE_INTEGER,
    away: false,
    amounts,
    async call(operation, request) {
      await Promise.resolve();
      if (fake.away) return away;
      const outcome =
        operation === 'reserve' ? reserve(request as ReserveRequest) : settle(request as SettleRequest);
      return outcome as KeeperOutcome<never>;
    },
    connected: () => Promise.resolve(),
    isConnected: () => !fake.away,
    close() {},
  };
  return fake;
}
