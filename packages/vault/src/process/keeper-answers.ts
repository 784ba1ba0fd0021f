import type { AuditCheckpoint, AuditRecord } from '@openlegion/contract/audit-record';
import type {
  CredentialBinding,
  CredentialName,
  EgressAnswer,
  KeeperOperations,
  KeeperStatus,
} from '@openlegion/contract/keeper-protocol';
import type { Refusal } from '@openlegion/contract/refusal';
import { isRefusalCode } from './refusal-status.ts';
import {
  boolean,
  integer,
  listOf,
  malformed,
  nullable,
  oneOf,
  type Parser,
  strictObject,
  text,
} from './strict-parser.ts';

/** The vault's own programs speak to the keeper as the gateway and as the person who runs OpenLegion. */
export type ClientRole = 'gateway' | 'admin';

const count = integer(0);
const anyText = text(65_536);

export const parseAuditRecord: Parser<AuditRecord> = strictObject<AuditRecord>({
  seq: integer(1),
  at: anyText,
  type: anyText,
  actor: anyText,
  subject: anyText,
  decision: oneOf('allowed', 'denied', 'none'),
  rule: anyText,
  traceId: anyText,
  detail: anyText,
  previousHash: anyText,
  hash: anyText,
});

export const parseCheckpoint: Parser<AuditCheckpoint> = strictObject<AuditCheckpoint>({
  chain: oneOf('host', 'keeper'),
  seq: count,
  hash: anyText,
  at: anyText,
  signature: anyText,
});

const scheme = oneOf('bearer', 'token', 'basic', 'raw');
const rules = listOf(strictObject({ methods: listOf(anyText, 100), path: anyText }), 1000);
const binding = strictObject<CredentialBinding>({
  host: anyText,
  port: count,
  header: anyText,
  scheme,
  user: anyText,
  allow: rules,
  deny: rules,
});
const stored = strictObject({ name: anyText, version: integer(1) });

const names = strictObject<{ credentials: CredentialName[] }>({
  credentials: listOf(
    strictObject<CredentialName>({
      name: anyText,
      tier: oneOf('system', 'cred'),
      version: integer(1),
      origins: listOf(anyText, 1000),
      bindings: listOf(binding, 1000),
      environment: listOf(anyText, 1000),
      owner: nullable(anyText),
      createdAt: anyText,
      lastUsedAt: nullable(anyText),
    }),
    100_000,
  ),
});

/** The parser of each operation's answer. */
export const KEEPER_ANSWERS: {
  [R in ClientRole]: {
    [O in keyof KeeperOperations[R]]: KeeperOperations[R][O] extends { answer: infer A } ? Parser<A> : never;
  };
} = {
  gateway: {
    reserve: strictObject({
      reservationId: anyText,
      outputTokens: count,
      reservedMicroUsd: count,
      secret: nullable(anyText),
    }),
    settle: strictObject({ spentTodayMicroUsd: count }),
    egress: strictObject<EgressAnswer>({
      requestId: anyText,
      mode: oneOf('terminate', 'opaque'),
      host: anyText,
      port: count,
      credential: nullable(
        strictObject({ name: anyText, header: anyText, scheme, user: anyText, secret: anyText }),
      ),
    }),
    egressDone: strictObject({}),
    egressRecheck: strictObject({ revoked: listOf(anyText, 100_000) }),
    authority: strictObject({ privateKeyPem: anyText }),
  },
  admin: {
    put: stored,
    rotate: stored,
    bind: stored,
    rotateKey: strictObject({ rotatedAt: anyText }),
    export: strictObject({ sealed: text(1_048_576), credentials: count }),
    import: strictObject({ names: listOf(anyText, 100_000) }),
    remove: strictObject({ removed: boolean }),
    names,
    audit: strictObject({ records: listOf(parseAuditRecord, 100_000) }),
    checkpoints: strictObject({ checkpoints: listOf(parseCheckpoint, 100_000), publicKeyPem: anyText }),
    canaries: strictObject({ names: listOf(anyText, 1000) }),
    removeCanaries: strictObject({ removed: count }),
    status: strictObject<KeeperStatus>({
      uid: count,
      pid: count,
      openReservations: count,
      lastCheckpoint: nullable(parseCheckpoint),
    }),
  },
};

const refusal = strictObject<Refusal>({
  code: (value, at) => {
    if (!isRefusalCode(value)) throw malformed(at, 'a code of the closed list');
    return value;
  },
  rule: text(200),
  message: text(2000),
  remedy: text(2000),
});

export type AnswerEnvelope =
  | { id: number; ok: true; result: unknown }
  | { id: number; ok: false; refusal: Refusal };

/** The envelope of an answer; its result is parsed by the operation's own parser. */
export function parseAnswerEnvelope(value: unknown): AnswerEnvelope {
  const ok = typeof value === 'object' && value !== null && 'ok' in value && value.ok === true;
  const always = { id: count };
  return ok
    ? {
        ...strictObject<{ id: number; ok: boolean; result: unknown }>({
          ...always,
          ok: boolean,
          result: (v) => v,
        })(value, 'answer'),
        ok: true,
      }
    : {
        ...strictObject<{ id: number; ok: boolean; refusal: Refusal }>({ ...always, ok: boolean, refusal })(
          value,
          'answer',
        ),
        ok: false,
      };
}
