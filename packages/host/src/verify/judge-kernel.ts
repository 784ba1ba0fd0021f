import type { Guarantee } from '@openlegion/contract/control-api';
import { judged } from './guarantee.ts';
import type { Kernel } from './observations.ts';
import type { PromiseId } from './promises.ts';

const REFUSED = ['EPERM', 'EACCES', 'ENOSYS', 'no such call here'];
const isNamespaceCall = (name: string) => /^(?:unshare|clone|clone3|setns)\b/.test(name);

/** Answers of the sandbox's own: a kernel that got as far as looking at the arguments has let the call through. */
export function judgeNamespaces({ calls }: Kernel, declared?: string): Guarantee {
  return judgeCalls('escape.namespaces', calls, isNamespaceCall, declared);
}

export function judgeSystemCalls({ calls }: Kernel, declared?: string): Guarantee {
  return judgeCalls('escape.system-calls', calls, (name) => !isNamespaceCall(name), declared);
}

function judgeCalls(
  id: PromiseId,
  calls: Record<string, string>,
  isOurs: (name: string) => boolean,
  declared: string | undefined,
): Guarantee {
  const tried = Object.entries(calls).filter(([name]) => isOurs(name));
  const wrong = tried.filter(([, result]) => !REFUSED.includes(result));
  return judged(id, {
    holds: tried.length > 0 && wrong.length === 0,
    evidence: (wrong.length > 0 ? wrong : tried).map(([name, result]) => `${name}: ${result}`).join(', '),
    why: 'The seccomp profile is not in force, or not ours.',
    declared,
  });
}

const ALLOWED_FAMILIES = ['1', '2', '10', '16'];
const NETLINK_ROUTE = 0;
const RAW = 3;

export function judgeSocketFamilies({ families, netlink }: Kernel, declared?: string): Guarantee {
  const wrong = [
    ...Object.keys(families)
      .filter((family) => !ALLOWED_FAMILIES.includes(family))
      .map((family) => `family ${family}`),
    ...['2', '10']
      .filter((family) => families[family]?.includes(RAW))
      .map((family) => `raw sockets of family ${family}`),
    ...netlink
      .filter((protocol) => protocol !== NETLINK_ROUTE)
      .map((protocol) => `netlink protocol ${protocol}`),
  ];
  return judged('escape.socket-families', {
    holds: '1' in families && wrong.length === 0,
    evidence:
      wrong.length > 0
        ? `could be made: ${wrong.join(', ')}`
        : `of families 0 to 45 these could be made: ${Object.keys(families).join(', ')}; netlink protocols: ${netlink.join(', ') || 'none'}`,
    why: 'The seccomp profile is not in force, or not ours.',
    declared,
  });
}
