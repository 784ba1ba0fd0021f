import { Guarantee } from '@openlegion/contract/control-api';

/** Everything that is promised, by area; the words stay the same whatever the verdict. */
const TEXTS = {
  escape: {
    'escape.capabilities': 'No process in the container has a capability, nor can it gain one',
    'escape.no-new-privileges': 'No process in the container can gain privileges by running a program',
    'escape.seccomp': 'System calls of every process in the container are filtered',
    'escape.user': 'Nothing in the container runs as root, or can become it',
    'escape.user-mapping': "The container's users are mapped to users without rights on the machine",
    'escape.setuid':
      'There is no setuid or setgid program and no device in the container but the harmless ones',
    'escape.host-sockets':
      'No socket of the machine, the container engine’s least of all, is in the container',
    'escape.masked-proc': "The kernel's memory, keys, timers and firmware cannot be read",
    'escape.read-only-root':
      'The programs in the container cannot be changed; only its data and temporary directories can',
    'escape.kernel-settings': 'No setting of the kernel and no control group can be written',
    'escape.namespaces': 'No new namespace, a user namespace least of all, can be made or entered',
    'escape.system-calls': 'System calls that escapes are made of are refused',
    'escape.socket-families':
      'Only Unix, IPv4 and IPv6 sockets, and the route protocol of netlink, can be made',
    'escape.mounts':
      'No directory of the machine is mounted but the agent’s data; what can be written takes no setuid program and no device',
    'escape.browser-sandbox':
      'A web page that breaks out of Chromium is still confined from the rest of the agent’s container',
  },
  network: {
    'egress.default-deny':
      'Through the proxy an agent reaches no host that it was not granted, by CONNECT or in the clear',
    'egress.private-addresses':
      'Private, loopback and metadata addresses are refused through the proxy in every spelling, also where they are granted',
    'egress.own-authority':
      'HTTPS is ended under an authority that is the agent’s own and that no other agent’s certificate passes for',
    'network.no-interface': 'The container has no network interface but its own loopback, and no route',
    'network.nothing-reachable':
      'Nothing outside of the container can be reached: no address, no name server, no metadata service',
    'network.host-unreachable':
      "The machine's own addresses, the control API's port first, cannot be reached from a container",
  },
  credentials: {
    'credentials.files':
      'No planted credential is in a database, log or file of the installation outside of the sealed vault',
    'credentials.memory': 'No planted credential is in the memory of a process but the keeper’s',
    'credentials.answers': 'No answer of the control API has a planted credential in it',
    'credentials.environment':
      'No credential and no token is in the environment or the arguments of a process in the container',
    'credentials.container':
      'None of the planted credentials is anywhere in the container: files, environments, memory',
    'credentials.engine':
      'The container engine was told no credential: its description of the container has none',
    'egress.bound-credential':
      'A credential is set for the host it is bound to and never comes back from there: in no header, body, error or trailer',
    'egress.placeholder-elsewhere':
      'A placeholder at another host, or in another place of a request, is refused and reaches nobody',
    'credentials.vault-hardened':
      'Keeper and gateway run without inspector and core dumps, and with Node’s permission model as a second line',
    'credentials.vault-users':
      'Keeper and gateway each run as a user of their own, which nothing else runs as',
  },
  host: {
    'host.identity': 'Who an agent is, is the pipe it speaks on: nothing that it says of itself is believed',
    'host.unknown-routes':
      'What is not in the table of routes is refused, whatever its method, path or spelling, and says nothing of the host',
    'host.no-grant': 'What an agent was not granted the mesh refuses, whatever program asks for it',
    'host.ask':
      'A tool that is set to "ask" has no effect on the mesh before a person said yes, also where its question is skipped',
    'host.wire-attacks': 'A program that breaks the protocol ends its own pipe and nothing else',
  },
  budget: {
    'budget.no-grant':
      'An agent without a grant for models reaches none, however many calls it makes at once',
  },
  limits: {
    'limits.processes': 'A fork bomb stops at the limit of processes',
    'limits.memory': 'A program that takes memory without end is killed at its limit',
    'limits.disk': 'A program that writes without end fills its own space and nothing else',
    'limits.open-files': 'Open files are limited',
    'limits.processor': "An agent's share of the processor is limited once it has started",
    'limits.standard-error': 'A container that floods standard error is killed',
    'limits.end': 'A container that ignores its end is removed all the same',
  },
  audit: {
    'audit.chain': 'The record of decisions is unbroken: no entry was changed, removed or added afterwards',
  },
} as const satisfies Record<Guarantee['area'], Record<string, string>>;

/** `escape.capabilities`. */
export type PromiseId = { [A in keyof typeof TEXTS]: keyof (typeof TEXTS)[A] }[keyof typeof TEXTS];

export const PROMISES = Object.fromEntries(
  Guarantee.shape.area.options.flatMap((area) =>
    Object.entries(TEXTS[area]).map(([id, promise]) => [id, { id, area, promise }]),
  ),
) as Record<PromiseId, Pick<Guarantee, 'id' | 'area' | 'promise'>>;
