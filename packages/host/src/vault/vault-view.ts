import type { CatalogProvider } from '@openlegion/contract/catalog';
import type { EgressSettings } from '@openlegion/contract/gateway-protocol';
import type { Policy, PolicyAgent } from '@openlegion/contract/keeper-protocol';
import type { Clock } from '../clock.ts';
import type { FleetConfig } from '../config/fleet-config.ts';
import type { GatewayClient, GatewayHealth } from './gateway-client.ts';
import type { KeeperClient } from './keeper-client.ts';
import { egressSettingsOf, policyOf, providersOf } from './vault-policy.ts';

const WATCH_MS = 2000;
const HEALTH_FRESH_MS = 500;

/**
 * Keeps the vault told of what the operator configured: the keeper its policy, the gateway its providers and what lies outside, again
 * after each of their restarts, in which they forget both. Until that is done they refuse.
 */
export interface VaultView {
  /** The catalog as the gateway has it now. Throws `unavailable` while the gateway is away. */
  providers(): Promise<readonly CatalogProvider[]>;
  /**
   * As last seen, at most 2 s ago. It is looked at again behind the answer, so that a call does not wait for it: whoever
   * asks after a failure skips what failed by itself, and the next one finds it here.
   */
  modelHealth(): Promise<GatewayHealth['models']>;
  /** Tells both of an agent beside the configuration, for `verify`, until that is disposed of. One at a time. */
  lend(loan: Loan): Promise<AsyncDisposable>;
  state(): { keeper: boolean; gateway: boolean };
  /** To be called whenever the keeper has been connected. Resolves when it has the policy. */
  pushPolicy(): Promise<void>;
  /** Tells both of a changed configuration. Throws when one did not take it; it is then told again every 2 s. */
  reload(): Promise<void>;
  /** Looks at the gateway now, and from then on every 2 s. */
  start(): Promise<void>;
  stop(): void;
}

export interface Loan {
  agent: PolicyAgent;
  hosts: EgressSettings['hosts'];
  /** A root that upstreams of these hosts may be signed by. */
  rootPem: string;
}

export function createVaultView(parts: {
  config: FleetConfig;
  keeper: () => KeeperClient;
  gateway: GatewayClient;
  clock: Clock;
  /** After the providers have been given to a gateway that has just started. */
  onProviders: (providers: readonly CatalogProvider[], missing: readonly string[]) => void;
  warn: (message: string) => void;
}): VaultView {
  const { config, keeper, gateway, clock, onProviders, warn } = parts;
  let gatewayPid: number | null = null;
  /** As it comes with the gateway of this pid, which is large and asked for once. */
  let catalog: readonly CatalogProvider[] = [];
  let catalogPid: number | null = null;
  let providers: readonly CatalogProvider[] | null = null;
  let health: GatewayHealth['models'] = [];
  let healthAt = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | null = null;
  let policyStands = false;
  let stopped = false;
  let loan: Loan | null = null;
  let cancel: (() => void) | undefined;

  /** One look at a time: two would take what the other has half told for the catalog. */
  function look(): Promise<void> {
    looking ??= lookNow().finally(() => {
      looking = null;
    });
    return looking;
  }

  async function lookNow(): Promise<void> {
    const seen = await gateway.health();
    health = seen.models;
    healthAt = clock.now();
    if (seen.pid === gatewayPid && providers) return;
    await gateway.putEgress(egressNow());
    if (seen.pid !== catalogPid) {
      // What an earlier host added or changed is not the catalog's.
      await gateway.putProviders([]);
      catalog = await gateway.providers();
      catalogPid = seen.pid;
    }
    const own = providersOf(config, catalog);
    await gateway.putProviders(own.providers);
    const changed = new Set(own.providers.map(({ id }) => id));
    providers = [...catalog.filter(({ id }) => !changed.has(id)), ...own.providers];
    gatewayPid = seen.pid;
    onProviders(providers, own.missing);
  }

  async function lookOrForget(): Promise<void> {
    try {
      await look();
    } catch (error) {
      if (gatewayPid !== null)
        warn(`the gateway is away: ${error instanceof Error ? error.message : 'unknown'}`);
      gatewayPid = null;
      providers = null;
      health = [];
    }
  }

  async function watch(): Promise<void> {
    await lookOrForget();
    if (keeper().connected && !policyStands) await pushPolicy();
    if (!stopped) cancel = clock.after(WATCH_MS, () => void watch());
  }

  function policyNow(): Policy {
    const policy = policyOf(config);
    return loan ? { ...policy, agents: [...policy.agents, loan.agent] } : policy;
  }

  function egressNow(): EgressSettings {
    const settings = egressSettingsOf(config);
    if (!loan) return settings;
    const extraRootsPem = `${settings.extraRootsPem ?? ''}${loan.rootPem}`;
    return { ...settings, extraRootsPem, hosts: [...settings.hosts, ...loan.hosts] };
  }

  async function tellPolicy(): Promise<void> {
    policyStands = false;
    await keeper().policy(policyNow());
    policyStands = true;
  }

  async function pushPolicy(): Promise<void> {
    try {
      await tellPolicy();
    } catch (error) {
      warn(`the keeper did not take the policy: ${error instanceof Error ? error.message : 'unknown'}`);
    }
  }

  async function reload(): Promise<void> {
    // A look that is under way may have told of what was before.
    await looking?.catch(() => {});
    gatewayPid = null;
    providers = null;
    await Promise.all([tellPolicy(), look()]);
  }

  return {
    async providers() {
      if (!providers) await look();
      return providers ?? [];
    },
    async modelHealth() {
      if (!providers) await look();
      else if (clock.now() - healthAt > HEALTH_FRESH_MS) void lookOrForget();
      return health;
    },
    state: () => ({ keeper: keeper().connected && policyStands, gateway: gatewayPid !== null }),
    pushPolicy,
    reload,
    async lend(wanted) {
      loan = wanted;
      const tell = () => Promise.all([tellPolicy(), gateway.putEgress(egressNow())]);
      const giveBack = async () => {
        loan = null;
        await tell();
      };
      try {
        await tell();
      } catch (error) {
        await giveBack().catch(() => {});
        throw error;
      }
      return { [Symbol.asyncDispose]: giveBack };
    },
    start: watch,
    stop() {
      stopped = true;
      cancel?.();
    },
  };
}
