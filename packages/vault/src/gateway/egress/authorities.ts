import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import {
  type Authority,
  authorityCertificate,
  LEAF_LIFE_MS,
  leafCertificate,
} from '../../certificate/issue-certificate.ts';
import { VaultError } from '../../process/vault-error.ts';
import type { KeeperCalls } from './admissions.ts';

export type Authorities = ReturnType<typeof createAuthorities>;

const MOST_LEAVES = 2000;

/** Each agent's key is asked from the keeper once; it lies in memory alone, and so does the one key of the leaves. */
export function createAuthorities({ keeper, now }: { keeper: KeeperCalls; now(): number }) {
  const authorities = new Map<string, Authority>();
  const leaves = new Map<string, { context: SecureContext; until: number }>();
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const leafKey = privateKey.export({ type: 'pkcs8', format: 'pem' });

  async function authorityOf(agent: string): Promise<Authority> {
    const known = authorities.get(agent);
    if (known) return known;
    const outcome = await keeper.call('authority', { agent });
    if (!outcome.ok) throw new VaultError(outcome.refusal);
    const key = createPrivateKey(outcome.result.privateKeyPem);
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
      throw new Error('the authority has another kind of key');
    authorities.set(agent, { agent, key });
    return { agent, key };
  }

  return {
    /** PEM of what the agent's container trusts. Throws the keeper's refusal. */
    certificateOf: async (agent: string): Promise<string> => authorityCertificate(await authorityOf(agent)),
    /** What a TLS server needs to be `host` for this agent, cached for half of its life. Throws the keeper's refusal. */
    async leaf(agent: string, host: string): Promise<SecureContext> {
      const name = `${agent} ${host}`;
      const cached = leaves.get(name);
      if (cached && cached.until > now()) return cached.context;
      const cert = leafCertificate(await authorityOf(agent), host, publicKey, now());
      const context = createSecureContext({ key: leafKey, cert, minVersion: 'TLSv1.2' });
      leaves.delete(name);
      leaves.set(name, { context, until: now() + LEAF_LIFE_MS / 2 });
      const [oldest] = leaves.keys();
      if (leaves.size > MOST_LEAVES && oldest !== undefined) leaves.delete(oldest);
      return context;
    },
  };
}
