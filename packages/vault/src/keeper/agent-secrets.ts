import type {
  AgentSecret,
  CredentialBinding,
  GrantedCredential,
  SignatureCheck,
} from '@openlegion/contract/keeper-protocol';
import { credentialName } from '../process/credential-name.ts';
import { nameTaken, noCredential, unreachable } from '../process/keeper-refusals.ts';
import { reaches } from '../process/match-request.ts';
import { inventValue } from '../process/random-value.ts';
import { openCaptured, publicPemOf } from '../process/sealed-box.ts';
import { malformed } from '../process/strict-parser.ts';
import { isSignedBy } from '../process/webhook-signature.ts';
import type { KeeperParts } from './keeper.ts';

/** What an agent may do about secrets without one ever leaving: see its handles, have one made, hand one over. */
export function createAgentSecrets({ database, policy, credentials, vault, audit, now }: KeeperParts) {
  /** Bound as bearer token to hosts within the agent's own domains; names of others, the operator's too, are taken. */
  function keep({ agent, name: own, hosts }: AgentSecret, value: string, type: string) {
    const { domains } = policy.agent(agent);
    const full = `OPENLEGION_CRED_AGENT_${agent.replaceAll('-', '_')}_${own}`.toUpperCase();
    const name = credentialName(full, 'name');
    const bindings = hosts.map((place): CredentialBinding => {
      const [host = '', port = '443'] = place.split(':');
      if (!domains.some((domain) => reaches(domain, host, Number(port))))
        throw unreachable(agent, host, Number(port));
      const bearer = { header: 'authorization', scheme: 'bearer', user: '' } as const;
      const allow = [{ methods: ['*'], path: '/**' }];
      return { host, port: Number(port), ...bearer, allow, deny: [] };
    });
    if (bindings.length === 0) throw malformed('hosts', 'at least one host');
    const owner = credentials.find(name);
    if (owner && owner.owner !== agent) throw nameTaken(own);
    return database.durable(() => {
      const version = credentials.put({ name, value, owner: agent, origins: [], bindings, environment: [] });
      audit.append({ type, actor: agent, subject: name, detail: { version, hosts } });
      return { name, version };
    });
  }

  return {
    generate: (request: AgentSecret & { length: number }) =>
      keep(request, inventValue(request.length), 'credential.generated'),
    capture(request: AgentSecret & { sealed: string }) {
      const plain = openCaptured(Buffer.from(request.sealed, 'base64'), vault.captureKey);
      const value = plain?.toString() ?? '';
      // As for a value that a person gives: whole in one header.
      if (!/^[^\0\r\n]{1,16384}$/.test(value) || Buffer.byteLength(value) !== plain?.length)
        throw malformed('sealed', "one line of text, sealed to this vault's capture key");
      return keep(request, value, 'credential.captured');
    },
    captureKey: () => ({ publicKeyPem: publicPemOf(vault.captureKey) }),
    vaultView: ({ agent }: { agent: string }): { credentials: GrantedCredential[] } => ({
      credentials: credentials.grantedTo(policy.agent(agent)).map((credential) => {
        const { short: name, environment, bindings, version, createdAt, lastUsedAt, owner } = credential;
        const placeholder = credentials.placeholderOf(agent, credential);
        const own = owner === agent;
        return { name, placeholder, environment, bindings, version, createdAt, lastUsedAt, own };
      }),
    }),
    /** The key of the agent's own certificate authority, recorded at each asking. */
    authority({ agent }: { agent: string }): { privateKeyPem: string } {
      policy.agent(agent);
      database.durable(() => audit.append({ type: 'authority.released', actor: 'gateway', subject: agent }));
      const key = vault.authorityKey(agent).export({ type: 'pkcs8', format: 'pem' });
      return { privateKeyPem: key.toString() };
    },
    verifySignature(check: SignatureCheck): { valid: boolean } {
      const { credential: name, style } = check;
      const credential = credentials.find(name);
      if (credential?.tier !== 'cred') throw noCredential(name);
      const valid = isSignedBy(Buffer.from(credentials.unseal(name)), check, now());
      const entry = { type: 'signature.checked', actor: 'host', subject: name, detail: { style } };
      if (valid) database.relaxed(() => audit.append({ ...entry, decision: 'allowed' }));
      else audit.refused(`signature ${name}`, entry);
      return { valid };
    },
  };
}
