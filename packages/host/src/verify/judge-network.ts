import type { Guarantee } from '@openlegion/contract/control-api';
import { judged, lines } from './guarantee.ts';
import type { Network, Outbound } from './observations.ts';
import type { PromiseId } from './promises.ts';

/** Documented public resolvers and web servers, the metadata services of clouds, and names that anyone resolves. */
export const OUTSIDE = {
  tcp: [
    { host: '1.1.1.1', port: 443 },
    { host: '8.8.8.8', port: 53 },
    { host: '2606:4700:4700::1111', port: 443 },
    { host: '169.254.169.254', port: 80 },
    { host: '169.254.170.2', port: 80 },
    { host: '100.100.100.200', port: 80 },
    { host: 'fd00:ec2::254', port: 80 },
  ],
  udp: [
    { host: '8.8.8.8', port: 53 },
    { host: '1.1.1.1', port: 443 },
    { host: '2001:4860:4860::8888', port: 53 },
    { host: '224.0.0.251', port: 5353 },
    { host: '255.255.255.255', port: 67 },
  ],
  names: ['example.com', 'metadata.google.internal', 'host.docker.internal'],
};

export function judgeInterfaces({ devices, routes, routes6, resolver }: Network): Guarantee {
  const names = devices
    .split('\n')
    .slice(2)
    .map((line) => line.split(':')[0]?.trim() ?? '')
    .filter((name) => name !== '');
  const foreign = names.filter((name) => name !== 'lo');
  const routed = [
    ...routes.split('\n').slice(1),
    ...routes6.split('\n').filter((line) => !/\slo\s*$/.test(line)),
  ].filter((line) => line.trim() !== '' && !/^E[A-Z]+$/.test(line.trim()));
  return judged('network.no-interface', {
    holds: names.includes('lo') && foreign.length === 0 && routed.length === 0,
    evidence: [
      `interfaces in /proc/net/dev: ${names.join(', ') || 'none'}`,
      `routes: ${routed.length === 0 ? 'none but loopback' : lines(routed)}`,
      `resolv.conf: ${resolver.trim() === '' ? 'empty' : JSON.stringify(resolver.trim().slice(0, 300))}`,
    ].join('\n'),
    why: 'The container was given a network: it must be started with none.',
  });
}

/** A timeout counts as reached: packets that nobody refuses have left. */
const REACHED = ['connected', 'sent', 'answered', 'timeout'];

export function judgeOutbound(seen: Outbound): Guarantee {
  return judgeReached('network.nothing-reachable', seen, 'The container has a way out beside the pipe.');
}

/** `seen` of the machine's own addresses and ports. */
export function judgeHostApi(seen: Outbound): Guarantee {
  return judgeReached('network.host-unreachable', seen, 'An agent can speak to the control API directly.');
}

function judgeReached(id: PromiseId, { tcp, udp, names }: Outbound, why: string): Guarantee {
  const tried = [
    ...tcp.map(({ host, port, result }) => ({ result, shown: `tcp ${host} port ${port}: ${result}` })),
    ...udp.map(({ host, port, result }) => ({ result, shown: `udp ${host} port ${port}: ${result}` })),
    ...names.map(({ name, result }) => ({ result, shown: `name ${name}: ${result}` })),
  ];
  return judged(id, {
    holds: tried.length > 0,
    wrong: tried.filter(({ result }) => REACHED.includes(result)).map(({ shown }) => shown),
    evidence: lines(tried.map(({ shown }) => shown)),
    why,
  });
}
