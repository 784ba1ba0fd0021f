import { randomUUID } from 'node:crypto';
import type { ReserveAnswer, ReserveRequest, SettleRequest } from '@openlegion/contract/keeper-protocol';
import { tierOf } from '../process/credential-name.ts';
import { refuse, VaultError } from '../process/vault-error.ts';
import type { Connection, KeeperParts } from './keeper.ts';
import type { Admission, OpenReservation, Usage } from './ledger.ts';
import { type Counted, createRates } from './rates.ts';

/** The life of one model call at the keeper: reserved and its credential released, then settled or charged in full. */
export function createModelCalls(parts: KeeperParts) {
  const { database, policy, credentials, ledger, audit, today, now } = parts;
  const rates = createRates(now);
  const counted = new Map<string, Counted>();

  function reserve(request: ReserveRequest, connection: Connection): ReserveAnswer {
    // What it reads stays true until it has committed: everything here is synchronous, and nobody else writes.
    const line = policy.lineOf(request.agent);
    decideAccess(request);
    const outputTokens = rates.admit(line, request);
    const day = today();
    const accounts = policy.accountsOf(request.agent);
    const admission = ledger.admit(accounts, { ...request, outputTokens }, day);
    const { agent, traceId } = request;
    const scopes = accounts.map(({ scope }) => scope);
    const reservation = { id: randomUUID(), agent, traceId, day, microUsd: admission.microUsd, scopes };
    const commit = admission.isAssured ? parts.assured : database.durable;
    const answer = commit(() => make(request, reservation, admission));
    connection.add(reservation.id);
    counted.set(reservation.id, rates.count(line, request.inputTokens + admission.outputTokens));
    return answer;
  }

  function make(request: ReserveRequest, reservation: OpenReservation, admission: Admission): ReserveAnswer {
    const { credential, model, origin } = request;
    const { id: reservationId, microUsd: reservedMicroUsd } = reservation;
    const { outputTokens } = admission;
    const secret = credential === null ? null : credentials.reveal(credential);
    ledger.reserve(reservation, admission);
    audit.append({
      type: credential === null ? 'reservation.made' : 'credential.used',
      ...{ actor: request.agent, subject: credential ?? model, traceId: request.traceId },
      ...{ decision: 'allowed', rule: 'budget' },
      detail: { reservation: reservationId, model, origin, reservedMicroUsd, outputTokens },
    });
    return { reservationId, outputTokens, reservedMicroUsd, secret };
  }

  /** Whether the agent may make this call, its budget aside; throws the refusal. */
  function decideAccess({ agent: name, model, credential, origin }: ReserveRequest): void {
    const agent = policy.agent(name);
    if (!agent.apis.includes('llm'))
      throw deny(
        `permissions.${name}.allowed_apis`,
        `${name} may not call models.`,
        `Add "llm" to permissions.${name}.allowed_apis in config/permissions.json.`,
      );
    if (!agent.models.includes(model))
      throw deny(
        `agents.${name}.model`,
        `${name} may not call ${model}.`,
        `Make it the model of agents.${name} in config/agents.yaml, or add it to llm.failover in config/mesh.yaml.`,
      );
    if (credential === null) return;
    const stored = tierOf(credential) === 'system' ? credentials.find(credential) : null;
    const add = `\`./openlegion vault add ${credential}\``;
    if (!stored)
      throw deny('vault.credential', `The vault has no ${credential} for model calls.`, `Run ${add}.`);
    if (!stored.origins.includes(origin))
      throw deny(
        'vault.binding',
        `${credential} is not bound to ${origin}, only to ${stored.origins.join(', ')}.`,
        `If it is meant for that place, run ${add} and name it.`,
      );
  }

  /** In a transaction. Warnings are recorded with the spending that is their reason. */
  function close(reservation: OpenReservation, usage: Usage): void {
    const accounts = policy.accountsOf(reservation.agent);
    for (const { scope, period, spentMicroUsd, limitMicroUsd } of ledger.close(
      reservation,
      usage,
      accounts,
      new Date(now()).toISOString(),
    ))
      audit.append({
        ...{ type: 'budget.warning', actor: 'keeper', subject: scope },
        detail: { period, spentMicroUsd, limitMicroUsd },
      });
    const rate = counted.get(reservation.id);
    if (rate) rates.correct(rate, usage.inputTokens + usage.outputTokens);
    counted.delete(reservation.id);
  }

  function chargeInFull(reservations: readonly OpenReservation[], why: string): void {
    if (reservations.length === 0) return;
    database.durable(() => {
      for (const reservation of reservations) {
        const { id, agent, traceId, day, microUsd } = reservation;
        close(reservation, { chargedMicroUsd: microUsd, inputTokens: 0, outputTokens: 0 });
        const detail = { reservation: id, day, chargedMicroUsd: microUsd, source: 'reservation', why };
        audit.append({
          type: 'reservation.charged_in_full',
          ...{ actor: 'keeper', subject: agent, rule: 'budget', traceId, detail },
        });
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
      try {
        return reserve(request, connection);
      } catch (error) {
        if (!(error instanceof VaultError)) throw error;
        const { agent, model, traceId, origin, credential } = request;
        audit.refused(policy.knows(agent) ? `${agent} ${error.rule}` : 'unknown', {
          ...{ type: 'reservation.refused', actor: agent, subject: model, rule: error.rule, traceId },
          detail: { code: error.code, origin, credential: credential ?? '' },
        });
        throw error;
      }
    },
    /**
     * Throws `not_found` for what is not an open reservation of this connection's, `bad_request` for a charge above
     * it, which is then charged in full.
     */
    settle(request: SettleRequest, connection: Connection): { spentTodayMicroUsd: number } {
      const id = request.reservationId;
      const reservation = connection.has(id) ? ledger.find(id) : null;
      if (!reservation)
        throw refuse(
          'not_found',
          'settle.reservation',
          'There is no such open reservation on this connection.',
          'It was settled before, or charged in full when its connection ended.',
        );
      const { agent, traceId, day, microUsd } = reservation;
      if (request.chargedMicroUsd > microUsd) {
        chargeInFull([reservation], 'a settlement above the reservation');
        connection.delete(id);
        throw refuse(
          'bad_request',
          'settle.charged',
          'The charge is above the reservation, which was charged in full.',
          'Reserve the worst case before a call is made.',
        );
      }
      // One that a power failure undoes leaves its reservation, which is then charged in full.
      parts.relaxed(() => {
        close(reservation, request);
        audit.append({
          ...{ type: 'reservation.settled', actor: 'gateway', subject: agent, rule: 'budget', traceId },
          detail: { ...request, reservedMicroUsd: microUsd, day },
        });
      });
      connection.delete(id);
      return { spentTodayMicroUsd: ledger.spent(agent, today()) };
    },
    /** Charges what a connection that has ended left open, in full: its cost is not known any more. */
    abandon(connection: Connection): void {
      chargeInFull(
        [...connection].flatMap((id) => ledger.find(id) ?? []),
        'its connection ended',
      );
    },
    /** The same for what a crash of the keeper left; before any connection there is no other. */
    recover: (): void => chargeInFull(ledger.open(), 'the keeper stopped before it was settled'),
  };
}

function deny(rule: string, message: string, remedy: string): VaultError {
  return refuse('denied', rule, message, remedy);
}
