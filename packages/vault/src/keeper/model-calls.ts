import type {
  PolicyAgent,
  ReserveAnswer,
  ReserveRequest,
  SettleRequest,
} from '@openlegion/contract/keeper-protocol';
import type { Refusal } from '@openlegion/contract/refusal';
import { tierOf } from '../process/credential-name.ts';
import { VaultError } from '../process/vault-error.ts';
import type { AuditChain } from './audit-chain.ts';
import type { CredentialStore } from './credential-store.ts';
import type { Admission, Ledger, OpenReservation } from './ledger.ts';
import type { PolicyStore } from './policy-store.ts';
import type { RefusalLimit } from './refusal-limit.ts';
import type { Transaction } from './transaction.ts';

/** The ids of the reservations that one connection made and has not settled. */
export type Connection = Set<string>;

/** The life of one model call at the keeper: reserved and its credential released, then settled or charged in full. */
export interface ModelCalls {
  /**
   * Checks agent, api, model, credential and budget, in this order. The reservation and its audit record are committed
   * before the secret is returned, and the most that the agent can have spent by then is on disk. Throws the refusal,
   * which is recorded too.
   */
  reserve(request: ReserveRequest, connection: Connection): ReserveAnswer;
  /**
   * Throws `not_found` for what is not an open reservation of this connection's, `bad_request` for a charge above it,
   * which is then charged in full.
   */
  settle(request: SettleRequest, connection: Connection): { spentTodayMicroUsd: number };
  /** Charges what a connection that has ended left open, in full: its cost is not known any more. */
  abandon(connection: Connection): void;
  /** The same for what a crash of the keeper left; before any connection there is no other. */
  recover(): void;
}

interface Admitted {
  answer: Omit<ReserveAnswer, 'secret'>;
  secret: Buffer | null;
}

export interface ModelCallParts {
  transaction: Transaction;
  /** For settlements: one that a power failure undoes leaves its reservation, which is then charged in full. */
  relaxed: Transaction;
  /** For reservations that the marks on disk cover. */
  assured: Transaction;
  policy: PolicyStore;
  credentials: CredentialStore;
  ledger: Ledger;
  audit: AuditChain;
  refusals: RefusalLimit;
  today: () => string;
  now: () => number;
  newId: () => string;
}

export function createModelCalls(parts: ModelCallParts): ModelCalls {
  const { transaction, relaxed, assured, policy, credentials, ledger, audit, refusals, today, now, newId } =
    parts;

  /** What it reads stays true until it has committed: everything here is synchronous, and nobody else writes. */
  function admit(request: ReserveRequest): Admitted {
    const agent = decideAccess(request, policy.agent(request.agent), credentials);
    if ('code' in agent) throw new VaultError(agent);
    const day = today();
    const granted = ledger.admit(policy.current(), agent, request, day);
    if ('code' in granted) throw new VaultError(granted);
    const commit = granted.isAssured ? assured : transaction;
    return commit(() => make(request, agent.name, day, granted));
  }

  function make(request: ReserveRequest, agent: string, day: string, granted: Admission): Admitted {
    const secret =
      request.credential === null
        ? null
        : credentials.reveal(request.credential, new Date(now()).toISOString());
    const id = newId();
    ledger.reserve({ id, agent, traceId: request.traceId, day, microUsd: granted.microUsd }, granted);
    audit.append({
      type: request.credential === null ? 'reservation.made' : 'credential.used',
      actor: agent,
      subject: request.credential ?? request.model,
      decision: 'allowed',
      rule: 'budget',
      traceId: request.traceId,
      detail: {
        reservation: id,
        model: request.model,
        origin: request.origin,
        reservedMicroUsd: granted.microUsd,
        outputTokens: granted.outputTokens,
      },
    });
    return {
      answer: { reservationId: id, outputTokens: granted.outputTokens, reservedMicroUsd: granted.microUsd },
      secret,
    };
  }

  function recordRefusal(request: ReserveRequest, refusal: Refusal): void {
    const known = policy.agent(request.agent) !== null;
    const unrecorded = refusals.take(known ? `${request.agent} ${refusal.rule}` : 'unknown');
    if (unrecorded === null) return;
    transaction(() =>
      audit.append({
        type: 'reservation.refused',
        actor: request.agent,
        subject: request.model,
        decision: 'denied',
        rule: refusal.rule,
        traceId: request.traceId,
        detail: {
          code: refusal.code,
          origin: request.origin,
          credential: request.credential ?? '',
          unrecorded,
        },
      }),
    );
  }

  function closeInFull(reservation: OpenReservation, why: string): void {
    const { id, agent, traceId, day, microUsd } = reservation;
    ledger.close(reservation, { chargedMicroUsd: microUsd, inputTokens: 0, outputTokens: 0 });
    const detail = { reservation: id, day, chargedMicroUsd: microUsd, source: 'reservation', why };
    audit.append({
      ...{ type: 'reservation.charged_in_full', actor: 'keeper', subject: agent },
      ...{ decision: 'none', rule: 'budget', traceId, detail },
    });
  }

  function chargeInFull(reservations: readonly OpenReservation[], why: string): void {
    if (reservations.length === 0) return;
    transaction(() => {
      for (const reservation of reservations) closeInFull(reservation, why);
    });
  }

  return {
    reserve(request, connection) {
      let admitted: Admitted;
      try {
        admitted = admit(request);
      } catch (error) {
        if (error instanceof VaultError) recordRefusal(request, error.refusal);
        throw error;
      }
      connection.add(admitted.answer.reservationId);
      const secret = admitted.secret?.toString() ?? null;
      admitted.secret?.fill(0);
      return { ...admitted.answer, secret };
    },
    settle(request, connection) {
      const id = request.reservationId;
      const reservation = connection.has(id) ? ledger.find(id) : null;
      if (!reservation) throw new VaultError(NOT_OPEN);
      if (request.chargedMicroUsd > reservation.microUsd) {
        chargeInFull([reservation], 'a settlement above the reservation');
        connection.delete(id);
        throw new VaultError(ABOVE_RESERVATION);
      }
      relaxed(() => {
        ledger.close(reservation, request);
        audit.append({
          ...{ type: 'reservation.settled', actor: 'gateway', subject: reservation.agent, decision: 'none' },
          ...{ rule: 'budget', traceId: reservation.traceId },
          detail: { ...request, reservedMicroUsd: reservation.microUsd, day: reservation.day },
        });
      });
      connection.delete(id);
      return { spentTodayMicroUsd: ledger.spent(reservation.agent, today()) };
    },
    abandon(connection) {
      chargeInFull(
        [...connection].flatMap((id) => ledger.find(id) ?? []),
        'its connection ended',
      );
      connection.clear();
    },
    recover() {
      chargeInFull(ledger.open(), 'the keeper stopped before it was settled');
    },
  };
}

/** The agent as the policy has it, when it may make this call, its budget aside. */
function decideAccess(
  { model, credential, origin }: ReserveRequest,
  agent: PolicyAgent | null,
  credentials: CredentialStore,
): PolicyAgent | Refusal {
  if (!agent)
    return deny('vault.policy', 'The vault knows no such agent.', 'Add the agent to config/agents.yaml.');
  const who = `permissions.${agent.name}`;
  if (!agent.apis.includes('llm'))
    return deny(
      `${who}.allowed_apis`,
      `${agent.name} may not call models.`,
      `Add "llm" to ${who}.allowed_apis in config/permissions.json.`,
    );
  if (!agent.models.includes(model))
    return deny(
      `agents.${agent.name}.model`,
      `${agent.name} may not call ${model}.`,
      `Make it the model of agents.${agent.name} in config/agents.yaml, or add it to llm.failover in config/mesh.yaml.`,
    );
  if (credential === null) return agent;
  const origins = tierOf(credential) === 'system' ? credentials.originsOf(credential) : null;
  const add = `\`./openlegion vault add ${credential}\``;
  if (!origins)
    return deny('vault.credential', `The vault has no ${credential} for model calls.`, `Run ${add}.`);
  if (!origins.includes(origin))
    return deny(
      'vault.binding',
      `${credential} is not bound to ${origin}, only to ${origins.join(', ')}.`,
      `If it is meant for that place, run ${add} and name it.`,
    );
  return agent;
}

function deny(rule: string, message: string, remedy: string): Refusal {
  return { code: 'denied', rule, message, remedy };
}

const NOT_OPEN: Refusal = {
  code: 'not_found',
  rule: 'settle.reservation',
  message: 'There is no such open reservation on this connection.',
  remedy: 'It was settled before, or charged in full when its connection ended.',
};
const ABOVE_RESERVATION: Refusal = {
  code: 'bad_request',
  rule: 'settle.charged',
  message: 'The charge is above the reservation, which was charged in full.',
  remedy: 'Reserve the worst case before a call is made.',
};
