import type { AuditCheckpoint, AuditRecord } from './audit-record.ts';
import type { Costs } from './costs.ts';
import type { Refusal } from './refusal.ts';

/**
 * How others speak to the keeper: newline-delimited JSON over a Unix socket, one object a line, at most
 * `KEEPER_LINE_BYTES`. Each request carries an `id` of the caller's; answers may come in any order.
 *
 * The role is the socket, not a claim: `keeper-gateway.sock` is reachable by the gateway's uid alone,
 * `keeper-host.sock` by the host's, `keeper-admin.sock` by the person who runs OpenLegion. An operation that is
 * not of the socket's role is refused. A line that does not parse closes the connection.
 *
 * These are types only, for `packages/vault` takes no third-party package; its hand-written parsers are held to
 * them by tests.
 */
export interface KeeperOperations {
  gateway: {
    /** Admits one model call, or refuses it. The secret is released here and nowhere else. */
    reserve: { request: ReserveRequest; answer: ReserveAnswer };
    settle: { request: SettleRequest; answer: { spentTodayMicroUsd: number } };
  };
  host: {
    /** Replaces the whole policy; an agent absent from it can do nothing. */
    policy: { request: Policy; answer: { hash: string } };
    costs: { request: Record<never, never>; answer: Costs };
    checkpoint: { request: { chain: 'host'; seq: number; hash: string }; answer: AuditCheckpoint };
    names: { request: Record<never, never>; answer: { credentials: CredentialName[] } };
    audit: { request: { after: number; limit: number }; answer: { records: AuditRecord[] } };
    status: { request: Record<never, never>; answer: KeeperStatus };
  };
  admin: {
    put: {
      request: { name: string; value: string; origins: string[] };
      answer: { name: string; version: number };
    };
    remove: { request: { name: string }; answer: { removed: boolean } };
    names: { request: Record<never, never>; answer: { credentials: CredentialName[] } };
    audit: { request: { after: number; limit: number }; answer: { records: AuditRecord[] } };
    checkpoints: {
      request: Record<never, never>;
      answer: { checkpoints: AuditCheckpoint[]; publicKeyPem: string };
    };
    /** Makes `count` credentials of its own invention, each `prefix` and 32 random letters and digits, for `verify` to search for. */
    canaries: { request: { prefix: string; count: number; origins: string[] }; answer: { names: string[] } };
    removeCanaries: { request: Record<never, never>; answer: { removed: number } };
    status: { request: Record<never, never>; answer: KeeperStatus };
  };
}

export interface KeeperRequest {
  id: number;
  op: string;
  args: unknown;
}

export type KeeperAnswer =
  | { id: number; ok: true; result: unknown }
  | { id: number; ok: false; refusal: Refusal };

/** Longest line in either direction: 1 MiB. */
export const KEEPER_LINE_BYTES = 1_048_576;

export interface ReserveRequest {
  agent: string;
  traceId: string;
  /** `provider/model`: must be one of the agent's models. */
  model: string;
  /** Where the gateway is about to send the credential; must be an origin the credential is bound to. */
  origin: string;
  /** The sealed record to release; null for a provider without a key. */
  credential: string | null;
  /** Upper bound on what everything but the output can cost. */
  inputMicroUsd: number;
  /** Wanted output tokens, over all choices; the keeper may grant fewer, down to `minOutputTokens`, to fit the budget. */
  outputTokens: number;
  minOutputTokens: number;
  /** Dearest class of output token, micro-dollars per million. */
  outputMicroUsdPerMillion: number;
}

export interface ReserveAnswer {
  reservationId: string;
  outputTokens: number;
  reservedMicroUsd: number;
  secret: string | null;
}

export interface SettleRequest {
  reservationId: string;
  /** At most what was reserved; more is refused and the reservation is charged. */
  chargedMicroUsd: number;
  inputTokens: number;
  outputTokens: number;
  /** Where the figures come from: the provider's usage, our own count, or the reservation itself (nothing known). */
  source: 'provider' | 'estimate' | 'reservation' | 'none';
  httpStatus: number;
}

export interface Policy {
  timeZone: string;
  fleet: { dailyMicroUsd: number; monthlyMicroUsd: number };
  agents: PolicyAgent[];
}

export interface PolicyAgent {
  name: string;
  team: string | null;
  dailyMicroUsd: number;
  monthlyMicroUsd: number;
  /** `allowed_apis`; model calls need `llm`. */
  apis: string[];
  /** Full names, `provider/model`, that the agent may call. */
  models: string[];
}

export interface CredentialName {
  name: string;
  tier: 'system' | 'cred';
  version: number;
  origins: string[];
  createdAt: string;
  lastUsedAt: string | null;
}

export interface KeeperStatus {
  uid: number;
  pid: number;
  openReservations: number;
  lastCheckpoint: AuditCheckpoint | null;
}
