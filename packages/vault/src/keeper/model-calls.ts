import { randomUUID } from 'node:crypto';
import type { ReserveAnswer, ReserveRequest, SettleRequest } from '@openlegion/contract/keeper-protocol';
import { tierOf } from '../process/credential-name.ts';
import * as refusals from '../process/keeper-refusals.ts';
import { type Counted, createRates } from '../process/rates.ts';
import type { Connection } from '../process/role-socket.ts';
import type { Usage } from '../process/tally.ts';
import type { KeeperParts } from './keeper.ts';
import type { Admission, OpenReservation } from './ledger.ts';

/** The life of one model call at the keeper: reserved and its credential released, then settled or charged in full. */
export function createModelCalls(parts: KeeperParts) {
  const { database, policy, credentials, ledger, audit, assured, today, now } = parts;
  const rates = createRates(now);
  const counted = new Map<string, Counted>();

  /** What it reads stays true until it has committed: everything here is synchronous, and nobody else writes. */
  function admit(request: ReserveRequest, connection: Connection): ReserveAnswer {
    const { agent, traceId } = request;
    const line = policy.lineOf(agent);
    decideAccess(request);
    const outputTokens = rates.admit(line, request);
    const day = today();
    const accounts = policy.accountsOf(agent);
    const admission = ledger.admit(accounts, { ...request, outputTokens }, day);
    const scopes = accounts.map(({ scope }) => scope);
    const reservation = { id: randomUUID(), agent, traceId, day, microUsd: admission.microUsd, scopes };
    const commit = admission.marks.length === 0 ? assured : database.durable;
    const answer = commit(() => make(request, reservation, admission));
    connection.add(reservation.id);
    counted.set(reservation.id, rates.count(line, request.inputTokens + admission.outputTokens));
    return answer;
  }

  function make(request: ReserveRequest, reservation: OpenReservation, admission: Admission): ReserveAnswer {
    const { agent: actor, credential, model, origin, traceId } = request;
    const { id: reservationId, microUsd: reservedMicroUsd } = reservation;
    const { outputTokens } = admission;
    const secret = credential === null ? null : credentials.reveal(credential);
    ledger.reserve(reservation, admission);
    const type = credential === null ? 'reservation.made' : 'credential.used';
    const detail = { reservation: reservationId, model, origin, reservedMicroUsd, outputTokens };
    const subject = credential ?? model;
    audit.append({ type, actor, subject, decision: 'allowed', rule: 'budget', traceId, detail });
    return { reservationId, outputTokens, reservedMicroUsd, secret };
  }

  /** Whether the agent may make this call, its budget aside; throws the refusal. */
  function decideAccess({ agent: name, model, credential, origin }: ReserveRequest): void {
    const agent = policy.agent(name);
    if (!agent.apis.includes('llm')) throw refusals.noModelCalls(name);
    if (!agent.models.includes(model)) throw refusals.otherModel(name, model);
    if (credential === null) return;
    const stored = tierOf(credential) === 'system' ? credentials.find(credential) : null;
    if (!stored) throw refusals.noModelKey(credential);
    if (!stored.isIntact) throw refusals.tampered(credential);
    if (!stored.origins.includes(origin)) throw refusals.otherOrigin(credential, origin, stored.origins);
  }

  /** In a transaction. Warnings are recorded with the spending that is their reason. */
  function close(reservation: OpenReservation, usage: Usage): void {
    const { id, agent } = reservation;
    const at = new Date(now()).toISOString();
    for (const warning of ledger.close(reservation, usage, policy.accountsOf(agent), at)) {
      const { scope: subject, period, spentMicroUsd, limitMicroUsd } = warning;
      const detail = { period, spentMicroUsd, limitMicroUsd };
      audit.append({ type: 'budget.warning', actor: 'keeper', subject, detail });
    }
    const call = counted.get(id);
    if (call) rates.correct(call, usage.inputTokens + usage.outputTokens);
    counted.delete(id);
  }

  function chargeInFull(reservations: readonly OpenReservation[], why: string): void {
    if (reservations.length === 0) return;
    database.durable(() => {
      for (const reservation of reservations) {
        const { id, agent: subject, traceId, day, microUsd: chargedMicroUsd } = reservation;
        close(reservation, { chargedMicroUsd, inputTokens: 0, outputTokens: 0 });
        const detail = { reservation: id, day, chargedMicroUsd, source: 'reservation', why };
        const type = 'reservation.charged_in_full';
        audit.append({ type, actor: 'keeper', subject, rule: 'budget', traceId, detail });
      }
    });
  }

  return {
    /**
     * Checks agent, api, model, credential, rates and budget, in this order. The reservation and its audit record are
     * committed before the secret is returned, and the most that the agent can have spent by then is on disk. Throws
     * the refusal, which is recorded too.
     */
    reserve(request: ReserveRequest, connection: Connection): ReserveAnswer {
      const { agent: actor, model: subject, traceId, origin, credential } = request;
      const detail = { origin, credential: credential ?? '' };
      const refusal = { type: 'reservation.refused', actor, subject, traceId, detail };
      return audit.orRefused(() => admit(request, connection), policy.knows(actor), refusal);
    },
    /**
     * Throws `not_found` for what is not an open reservation of this connection's, `bad_request` for a charge above
     * it, which is then charged in full.
     */
    settle(request: SettleRequest, connection: Connection): { spentTodayMicroUsd: number } {
      const id = request.reservationId;
      const reservation = connection.has(id) ? ledger.find(id) : null;
      if (!reservation) throw refusals.reservationNotOpen();
      const { agent: subject, traceId, day, microUsd: reservedMicroUsd } = reservation;
      if (request.chargedMicroUsd > reservedMicroUsd) {
        chargeInFull([reservation], 'a settlement above the reservation');
        connection.delete(id);
        throw refusals.chargedAboveReservation();
      }
      // One that a power failure undoes leaves its reservation, which is then charged in full.
      database.relaxed(() => {
        close(reservation, request);
        const detail = { ...request, reservedMicroUsd, day };
        const type = 'reservation.settled';
        audit.append({ type, actor: 'gateway', subject, rule: 'budget', traceId, detail });
      });
      connection.delete(id);
      return { spentTodayMicroUsd: ledger.spent(subject, today()) };
    },
    /** Charges what a connection that has ended left open, in full: its cost is not known any more. */
    abandon(connection: Connection): void {
      const left = [...connection].flatMap((id) => ledger.find(id) ?? []);
      chargeInFull(left, 'its connection ended');
    },
    /** The same for what a crash of the keeper left; before any connection there is no other. */
    recover: (): void => chargeInFull(ledger.open(), 'the keeper stopped before it was settled'),
  };
}
