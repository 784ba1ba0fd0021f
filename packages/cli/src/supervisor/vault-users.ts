export interface VaultUsers {
  keeperUid: number;
  gatewayUid: number;
}

const FIRST = 64_101;
const LAST = 64_199;

/**
 * Two user ids that no account of the machine has, the same on every start while that stays so: 64101 and 64102, or
 * the next free pair (Debian keeps 60000 to 64999 for its own, and hands these out to no one). Null when none is free.
 */
export function chooseVaultUsers(passwd: string): VaultUsers | null {
  const taken = new Set(passwd.split('\n').map((line) => Number(line.split(':')[2])));
  for (let uid = FIRST; uid < LAST; uid += 2) {
    if (!taken.has(uid) && !taken.has(uid + 1)) return { keeperUid: uid, gatewayUid: uid + 1 };
  }
  return null;
}
