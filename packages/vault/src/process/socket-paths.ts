import type { socketPaths as contractSocketPaths } from '@openlegion/contract/installation';

/** The contract's, again: the vault takes no code from it. A test holds the two together. */
export function socketPaths(run: string): ReturnType<typeof contractSocketPaths> {
  return {
    keeperGateway: `${run}/keeper-gateway.sock`,
    keeperHost: `${run}/keeper-host.sock`,
    keeperAdmin: `${run}/keeper-admin.sock`,
    gateway: `${run}/gateway.sock`,
    scripted: `${run}/scripted.sock`,
  };
}
