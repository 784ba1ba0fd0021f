import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditRecord } from '@openlegion/contract/audit-record';
import type {
  CredentialBinding,
  EgressRequest,
  KeeperOperations,
  Policy,
  PolicyAgent,
  ReserveRequest,
} from '@openlegion/contract/keeper-protocol';
import type { Connection } from '../../process/role-socket.ts';
import { VaultError } from '../../process/vault-error.ts';
import { createKeeper, type Keeper, type KeeperOptions } from '../keeper.ts';

export interface TestClock {
  nowMs: number;
}

/** A keeper in this process, on a directory of its own and a clock that the test sets. */
export function openKeeper(
  directory: string,
  clock: TestClock,
  key = Buffer.alloc(32, 9),
  change: Partial<KeeperOptions> = {},
): Keeper {
  return createKeeper({
    directory,
    uid: null,
    keyFile: Buffer.from(key),
    now: () => clock.nowMs,
    bootId: 'first boot',
    later: () => {},
    ...change,
  });
}

export function temporaryDirectory(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'keeper-'));
  return {
    path: join(path, 'keeper'),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** One operation, as a connection asks for it: what it answers, or the code and rule it is refused with. */
export function ask(
  keeper: Keeper,
  role: keyof KeeperOperations,
  operation: string,
  args: unknown,
  connection: Connection = new Set(),
): unknown {
  try {
    const run = keeper.operations[role].get(operation);
    if (!run) throw new Error(`no operation ${operation}`);
    return run(args, connection);
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    return { refused: error.code, rule: error.rule };
  }
}

export const KEY_NAME = 'OPENLEGION_SYSTEM_OPENAI_API_KEY';
export const ORIGIN = 'https://api.openai.com';

/** For a system key: bound to no host by any header. */
export const NOWHERE = { bindings: [], environment: [] };

/** A team's limits a day and a month. */
export const cents = (dailyMicroUsd: number, monthlyMicroUsd: number) => ({ dailyMicroUsd, monthlyMicroUsd });

export function policyFor(
  agents: Record<string, { daily?: number; monthly?: number } & Partial<PolicyAgent>>,
  fleet = { daily: 1e9, monthly: 1e9 },
  timeZone = 'UTC',
): Policy {
  return {
    timeZone,
    fleet: { dailyMicroUsd: fleet.daily, monthlyMicroUsd: fleet.monthly },
    teams: [],
    opaqueHosts: [],
    agents: Object.entries(agents).map(([name, { daily = 1e9, monthly = 1e9, ...change }]) => ({
      name,
      team: null,
      parent: null,
      dailyMicroUsd: daily,
      monthlyMicroUsd: monthly,
      requestsPerMinute: null,
      tokensPerMinute: null,
      apis: ['llm'],
      models: ['openai/gpt'],
      domains: [],
      credentials: [],
      ...change,
    })),
  };
}

export function reserveRequest(change: Partial<ReserveRequest> = {}): ReserveRequest {
  return {
    agent: 'assistant',
    traceId: 't1',
    model: 'openai/gpt',
    origin: ORIGIN,
    credential: null,
    inputMicroUsd: 100,
    inputTokens: 0,
    outputTokens: 0,
    minOutputTokens: 0,
    outputMicroUsdPerMillion: 0,
    ...change,
  };
}

export const settleRequest = (reservationId: string, chargedMicroUsd: number) => ({
  reservationId,
  chargedMicroUsd,
  inputTokens: 1,
  outputTokens: 1,
  source: 'provider' as const,
  httpStatus: 200,
});

/** Reading at one host, the endpoint that mints keys excepted. */
export const BINDING: CredentialBinding = {
  host: 'api.example.com',
  port: 443,
  header: 'authorization',
  scheme: 'bearer',
  user: '',
  allow: [{ methods: ['GET', 'HEAD'], path: '/**' }],
  deny: [{ methods: ['*'], path: '/user/keys**' }],
};

export function egressRequest(change: Partial<EgressRequest> = {}): EgressRequest {
  return {
    agent: 'assistant',
    traceId: 't1',
    kind: 'https',
    method: 'GET',
    host: 'api.example.com',
    port: 443,
    path: '/',
    tokens: [],
    service: null,
    ...change,
  };
}

/** A credential with its value, stored by the operator. */
export function putCredential(
  keeper: Keeper,
  name: string,
  value: string,
  bindings: CredentialBinding[] = [BINDING],
): unknown {
  const origins = name.startsWith('OPENLEGION_SYSTEM_') ? [ORIGIN] : [];
  const own = name.startsWith('OPENLEGION_SYSTEM_') ? [] : bindings;
  return ask(keeper, 'admin', 'put', { name, value, origins, bindings: own, environment: [] });
}

/** What an operation answered, which the test expects to be an answer. */
export function answered<T>(answer: unknown): T {
  if (typeof answer === 'object' && answer !== null && 'refused' in answer)
    throw new Error(`refused: ${JSON.stringify(answer)}`);
  return answer as T;
}

/** Every record of the keeper's chain, oldest first. */
export function auditOf(keeper: Keeper): AuditRecord[] {
  const all: AuditRecord[] = [];
  for (;;) {
    const after = all.at(-1)?.seq ?? 0;
    const { records } = answered<{ records: AuditRecord[] }>(
      ask(keeper, 'host', 'audit', { after, limit: 10_000 }),
    );
    if (records.length === 0) return all;
    all.push(...records);
  }
}
