import type { GatewayClient } from '../vault/gateway-client.ts';
import type { KeeperClient } from '../vault/keeper-client.ts';
import type { VaultView } from '../vault/vault-view.ts';
import { type EchoUpstream, startEchoUpstream } from './echo-upstream.ts';

/** Names under which the echo stands in for the world; reserved (RFC 6762, RFC 8375 style), so that nobody owns them. */
export const BOUND_HOST = 'bound.verify.openlegion.internal';
export const OTHER_HOST = 'other.verify.openlegion.internal';
const SECRET = 'verify';

/** Grants that are refused although they are given. */
const FORBIDDEN_GRANTS = ['169.254.169.254', '169.254.169.254:80', 'metadata.google.internal', 'localhost'];

/** A throw-away agent that may reach the echo under two names, and a credential that is bound to one of them. */
export interface EgressTrial extends AsyncDisposable {
  echo: EchoUpstream;
  authorityPem: string;
  otherAuthorityPem: string | null;
  /** Of the credential that is bound to `BOUND_HOST`. */
  name: string;
  placeholder: string;
}

/**
 * Lends `agent` the grants of the trial: keeper and gateway are told of it like of any agent, and told otherwise when
 * the trial is disposed of. The credential is one of the keeper's own invention; it opens nothing.
 */
export async function openEgressTrial(
  parts: { keeper: KeeperClient; gateway: GatewayClient; vault: VaultView; now: () => number },
  agent: string,
  otherAgent: string | null,
): Promise<EgressTrial> {
  const { keeper, gateway, vault } = parts;
  await using stack = new AsyncDisposableStack();
  const echo = stack.use(await startEchoUpstream([BOUND_HOST, OTHER_HOST], new Date(parts.now())));
  stack.use(
    await vault.lend({
      agent: {
        name: agent,
        team: null,
        parent: null,
        dailyMicroUsd: 0,
        monthlyMicroUsd: 0,
        requestsPerMinute: null,
        tokensPerMinute: null,
        apis: [],
        models: [],
        domains: [
          BOUND_HOST,
          OTHER_HOST,
          `127.0.0.1:${echo.port}`,
          `localhost:${echo.port}`,
          ...FORBIDDEN_GRANTS,
        ],
        credentials: [],
      },
      hosts: [BOUND_HOST, OTHER_HOST].map((host) => ({ host, address: '127.0.0.1', port: echo.port })),
      rootPem: echo.certificatePem,
    }),
  );
  await keeper.generate({ agent, name: SECRET, hosts: [BOUND_HOST], length: 40 });
  const { credentials } = await keeper.vaultView(agent);
  const own = credentials.find((credential) => credential.own);
  if (!own) throw new Error('the keeper does not show the credential that it made');
  const authorityPem = await gateway.authority(agent);
  const otherAuthorityPem = otherAgent === null ? null : await gateway.authority(otherAgent);
  const held = stack.move();
  return {
    echo,
    authorityPem,
    otherAuthorityPem,
    name: own.name,
    placeholder: own.placeholder,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
