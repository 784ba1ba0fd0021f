import { generateKeyPairSync } from 'node:crypto';
import type { EgressAnswer, EgressDone, EgressRequest } from '@openlegion/contract/keeper-protocol';
import type { Refusal } from '@openlegion/contract/refusal';
import type { KeeperClient, KeeperOutcome } from '../../../process/keeper-client.ts';

export const SECRET = 'ghp_9Zq+7Jm2/Vt"Kd4Xw8&RyTnB=';
export const PLACEHOLDER = `olp_${'0123456789abcdef'.repeat(3).slice(0, 40)}`;

type Credential = NonNullable<EgressAnswer['credential']>;

export interface FakeEgressKeeper {
  keeper: Pick<KeeperClient<'gateway'>, 'call'>;
  asked: EgressRequest[];
  done: EgressDone[];
  /** Hosts that are allowed, as `host` or `host:port`. */
  hosts: Set<string>;
  opaque: Set<string>;
  /** By host; the placeholder and `$CRED{test}` stand for each. */
  credentials: Map<string, Credential>;
  revoked: Set<string>;
  away: boolean;
  /** Of each agent, the same for as long as this lives. */
  authorities: Map<string, string>;
}

export const credential = (over: Partial<Credential> = {}): Credential => ({
  name: 'OPENLEGION_CRED_TEST',
  header: 'authorization',
  scheme: 'bearer',
  user: '',
  secret: SECRET,
  ...over,
});

const refusal = (rule: string, message: string): { ok: false; refusal: Refusal } => ({
  ok: false,
  refusal: { code: rule === 'vault.keeper' ? 'unavailable' : 'denied', rule, message, remedy: 'none' },
});

/** Decides as the contract says, by a list; the keeper's own decisions have tests of their own. */
export function createFakeEgressKeeper(hosts: string[] = ['up.test']): FakeEgressKeeper {
  let last = 0;

  function egress(request: EgressRequest): KeeperOutcome<EgressAnswer> {
    fake.asked.push(request);
    const { kind, tokens, service } = request;
    const host = kind === 'service' ? `${service}.test` : request.host;
    if (!fake.hosts.has(host) && !fake.hosts.has(`${host}:${request.port}`))
      return refusal('permissions.researcher.allowed_domains', `${host} is not allowed`);
    const bound = kind === 'tunnel' ? undefined : fake.credentials.get(host);
    for (const { token, place } of tokens) {
      if (token !== PLACEHOLDER && token !== '$CRED{test}') return refusal('egress.placeholder', 'unknown');
      if (!bound || place !== `header:${bound.header}`)
        return refusal('egress.placeholder', `not in ${place}`);
    }
    last += 1;
    const mode = fake.opaque.has(host) && kind === 'tunnel' ? 'opaque' : 'terminate';
    const credential = kind === 'http' ? null : (bound ?? null);
    return { ok: true, result: { requestId: `e${last}`, mode, host, port: request.port, credential } };
  }

  const fake: FakeEgressKeeper = {
    asked: [],
    done: [],
    hosts: new Set(hosts),
    opaque: new Set(),
    credentials: new Map(),
    revoked: new Set(),
    away: false,
    authorities: new Map(),
    keeper: {
      async call(operation, request) {
        await Promise.resolve();
        if (fake.away) return refusal('vault.keeper', 'away');
        const args: unknown = request;
        let outcome: KeeperOutcome<unknown>;
        if (operation === 'egress') outcome = egress(args as EgressRequest);
        else if (operation === 'egressDone') {
          fake.done.push(args as EgressDone);
          outcome = { ok: true, result: {} };
        } else if (operation === 'egressRecheck') {
          const { requestIds } = args as { requestIds: string[] };
          outcome = { ok: true, result: { revoked: requestIds.filter((id) => fake.revoked.has(id)) } };
        } else {
          const { agent } = args as { agent: string };
          const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
          const privateKeyPem =
            fake.authorities.get(agent) ?? privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
          fake.authorities.set(agent, privateKeyPem);
          outcome = { ok: true, result: { privateKeyPem } };
        }
        return outcome as KeeperOutcome<never>;
      },
    },
  };
  return fake;
}
