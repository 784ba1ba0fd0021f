import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { KeeperClient } from '../../process/keeper-client.ts';
import { VaultError } from '../../process/vault-error.ts';
import { type Authority, authorityCertificate, LEAF_LIFE_MS, leafCertificate } from './issue-certificate.ts';

export interface Authorities {
  /** PEM of what the agent's container trusts. Throws the keeper's refusal. */
  certificateOf(agent: string): Promise<string>;
  /** What a TLS server needs to be `host` for this agent, cached for half of its life. Throws the keeper's refusal. */
  leaf(agent: string, host: string): Promise<SecureContext>;
}

const MOST_LEAVES = 2000;

/** Each agent's key is asked from the keeper once; it lies in memory alone, and so do the leaves'. */
export function createAuthorities(parts: {
  keeper: Pick<KeeperClient<'gateway'>, 'call'>;
  now(): number;
}): Authorities {
  const authorities = new Map<string, Promise<Authority>>();
  const leaves = new Map<string, { context: SecureContext; until: number }>();
  let leafKey: { publicKey: KeyObject; pem: string } | null = null;

  async function ask(agent: string): Promise<Authority> {
    const outcome = await parts.keeper.call('authority', { agent });
    if (!outcome.ok) throw new VaultError(outcome.refusal);
    const key = createPrivateKey(outcome.result.privateKeyPem);
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
      throw new Error('the authority has another kind of key');
    return { agent, key };
  }

  function authorityOf(agent: string): Promise<Authority> {
    const known = authorities.get(agent) ?? ask(agent);
    authorities.set(agent, known);
    // A refusal is not kept: the keeper may be back.
    known.catch(() => authorities.delete(agent));
    return known;
  }

  function ownKey(): { publicKey: KeyObject; pem: string } {
    if (leafKey) return leafKey;
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    leafKey = { publicKey, pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
    return leafKey;
  }

  return {
    certificateOf: async (agent) => authorityCertificate(await authorityOf(agent)),
    async leaf(agent, host) {
      const name = `${agent} ${host}`;
      const cached = leaves.get(name);
      if (cached && cached.until > parts.now()) return cached.context;
      const authority = await authorityOf(agent);
      const { publicKey, pem } = ownKey();
      const cert = leafCertificate(authority, host, publicKey, parts.now());
      const context = createSecureContext({ key: pem, cert, minVersion: 'TLSv1.2' });
      leaves.delete(name);
      leaves.set(name, { context, until: parts.now() + LEAF_LIFE_MS / 2 });
      const [oldest] = leaves.keys();
      if (leaves.size > MOST_LEAVES && oldest !== undefined) leaves.delete(oldest);
      return context;
    },
  };
}
