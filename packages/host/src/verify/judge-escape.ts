import type { Guarantee } from '@openlegion/contract/control-api';
import { judged, lines, type Promised } from './guarantee.ts';
import type { Files, Kernel, Mounts, Processes, Writes } from './observations.ts';

export const ESCAPE_PROMISES = {
  capabilities: {
    id: 'escape.capabilities',
    area: 'escape',
    promise: 'No process in the container has a capability, nor can it gain one',
  },
  noNewPrivileges: {
    id: 'escape.no-new-privileges',
    area: 'escape',
    promise: 'No process in the container can gain privileges by running a program',
  },
  seccomp: {
    id: 'escape.seccomp',
    area: 'escape',
    promise: 'System calls of every process in the container are filtered',
  },
  user: {
    id: 'escape.user',
    area: 'escape',
    promise: 'Nothing in the container runs as root, or can become it',
  },
  userNamespace: {
    id: 'escape.user-mapping',
    area: 'escape',
    promise: "The container's users are mapped to users without rights on the machine",
  },
  setuid: {
    id: 'escape.setuid',
    area: 'escape',
    promise: 'There is no setuid or setgid program and no device in the container but the harmless ones',
  },
  sockets: {
    id: 'escape.host-sockets',
    area: 'escape',
    promise: 'No socket of the machine, the container engine’s least of all, is in the container',
  },
  maskedProc: {
    id: 'escape.masked-proc',
    area: 'escape',
    promise: "The kernel's memory, keys, timers and firmware cannot be read",
  },
  readOnly: {
    id: 'escape.read-only-root',
    area: 'escape',
    promise: 'The programs in the container cannot be changed; only its data and temporary directories can',
  },
  kernelSettings: {
    id: 'escape.kernel-settings',
    area: 'escape',
    promise: 'No setting of the kernel and no control group can be written',
  },
} as const satisfies Record<string, Promised>;

const MASKS = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'];
const ZERO = /^0+$/;
const TEMPLATE = 'The container was not made from the fixed template: check the engine and its runtime.';

/** `declared` excuses a mask that is not shown, never one that is not zero. */
export function judgeCapabilities({ processes }: Processes, declared?: string): Guarantee {
  const wrong = processes.filter((process) => MASKS.some((mask) => !ZERO.test(process[mask] ?? 'unknown')));
  return judged(ESCAPE_PROMISES.capabilities, {
    holds: processes.length > 0 && wrong.length === 0,
    evidence: lines((wrong.length > 0 ? wrong : processes).map((process) => describe(process, MASKS))),
    why: TEMPLATE,
    declared: wrong.some((process) => MASKS.some((mask) => /[1-9a-f]/.test(process[mask] ?? '')))
      ? undefined
      : declared,
  });
}

export function judgeNoNewPrivileges({ processes }: Processes, declared?: string): Guarantee {
  return judged(ESCAPE_PROMISES.noNewPrivileges, {
    holds: processes.length > 0 && processes.every(({ NoNewPrivs }) => NoNewPrivs === '1'),
    evidence: lines(processes.map((process) => describe(process, ['NoNewPrivs']))),
    why: TEMPLATE,
    declared,
  });
}

export function judgeSeccomp({ processes }: Processes, declared?: string): Guarantee {
  return judged(ESCAPE_PROMISES.seccomp, {
    holds: processes.length > 0 && processes.every(({ Seccomp }) => Seccomp === '2'),
    evidence: lines(processes.map((process) => describe(process, ['Seccomp']))),
    why: `${TEMPLATE} A kernel without seccomp cannot run agents safely.`,
    declared,
  });
}

export function judgeUser({ processes }: Processes, kernel: Kernel): Guarantee {
  const asRoot = processes.filter(({ Uid, Gid, Groups }) =>
    `${Uid ?? '0'} ${Gid ?? '0'} ${Groups ?? ''}`.trim().split(/\s+/).includes('0'),
  );
  const evidence = [
    ...processes.map((process) => describe(process, ['Uid', 'Gid', 'Groups'])),
    `setuid(0): ${kernel.setuid}`,
  ];
  return judged(ESCAPE_PROMISES.user, {
    holds:
      processes.length > 0 &&
      asRoot.length === 0 &&
      kernel.setuid !== 'ok' &&
      kernel.uid !== 0 &&
      kernel.euid !== 0,
    evidence: lines(evidence),
    why: TEMPLATE,
  });
}

/** Where inside 0 is outside 0, users are not mapped (user_namespaces(7), uid_map). */
export function judgeUserMapping({ uidMap }: Mounts, declared?: string): Guarantee {
  const [inside, outside] = uidMap.trim().split(/\s+/);
  return judged(ESCAPE_PROMISES.userNamespace, {
    holds: uidMap.trim() !== '' && !(inside === '0' && outside === '0'),
    evidence: `/proc/self/uid_map: ${uidMap.trim().replace(/\s+/g, ' ')}`,
    why: 'The engine says that it maps users, and does not.',
    declared,
  });
}

const HARMLESS_DEVICE =
  /^\/dev\/(?:full|null|zero|random|urandom|tty|console|ptmx|pts\/(?:ptmx|\d+)|fd|stdin|stdout|stderr)$/;

/** `declared` excuses gVisor's own virtual devices, and nothing else. */
export function judgeSetuid({ files, setuid, devices }: Files, declared?: string): Guarantee {
  const virtual = ['/dev/fuse', '/dev/net/tun'];
  const wrong = [...setuid, ...devices.filter((path) => !HARMLESS_DEVICE.test(path))];
  return judged(ESCAPE_PROMISES.setuid, {
    holds: files > 100 && wrong.length === 0,
    evidence: wrong.length > 0 ? lines(wrong) : `${files} files looked at; devices: ${devices.join(', ')}`,
    why: 'The image has a program that changes its user, or the container has a device of the machine.',
    declared: wrong.every((path) => virtual.includes(path)) ? declared : undefined,
  });
}

export function judgeHostSockets({ files, sockets, unix }: Files): Guarantee {
  const wrong = [...sockets, ...unix];
  return judged(ESCAPE_PROMISES.sockets, {
    holds: files > 100 && wrong.length === 0,
    evidence:
      wrong.length > 0 ? lines(wrong) : `${files} files looked at, none a socket; /proc/net/unix lists none`,
    why: 'A socket that the container did not make itself reaches a process outside of it.',
  });
}

export const SENSITIVE_FILES = [
  '/proc/kcore',
  '/proc/keys',
  '/proc/key-users',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/latency_stats',
  '/proc/scsi/scsi',
  '/proc/acpi/wakeup',
  '/proc/kallsyms',
  '/proc/1/root/etc/shadow',
  '/sys/firmware/dmi/tables/DMI',
  '/sys/kernel/debug/sched/debug',
  '/dev/mem',
  '/dev/kmem',
  '/dev/kmsg',
  '/etc/shadow',
];
/** World-readable on every Linux; addresses in it are zeros for those without rights, so it is not a leak. */
const TOLERATED = ['/proc/key-users', '/proc/kallsyms'];

export function judgeMaskedProc({ sensitive }: Files): Guarantee {
  const read = sensitive.filter(
    ({ path, result, bytes }) => result === 'ok' && bytes > 0 && !TOLERATED.includes(path),
  );
  return judged(ESCAPE_PROMISES.maskedProc, {
    holds: sensitive.length > 0 && read.length === 0,
    evidence: lines(
      sensitive.map(
        ({ path, result, bytes }) => `${path}: ${result}${result === 'ok' ? `, ${bytes} bytes` : ''}`,
      ),
    ),
    why: 'These files tell of the machine; the engine did not mask them.',
  });
}

export const FORBIDDEN_DIRECTORIES = [
  '/',
  '/bin',
  '/etc',
  '/home',
  '/opt/openlegion',
  '/root',
  '/run',
  '/usr',
  '/usr/local/bin',
  '/var/lib',
  '/var/log',
  '/var/tmp',
];
export const ALLOWED_DIRECTORIES = ['/data', '/tmp'];

export function judgeReadOnlyRoot({ directories }: Writes): Guarantee {
  const wrong = directories.filter(
    ({ path, result }) => FORBIDDEN_DIRECTORIES.includes(path) && result === 'ok',
  );
  const useless = directories.filter(
    ({ path, result }) => ALLOWED_DIRECTORIES.includes(path) && result !== 'ok',
  );
  return judged(ESCAPE_PROMISES.readOnly, {
    holds: directories.length > 0 && wrong.length === 0 && useless.length === 0,
    evidence: lines(directories.map(({ path, result }) => `write to ${path}: ${result}`)),
    why:
      useless.length > 0
        ? 'An agent cannot write where it must: the container is not made as it should be.'
        : TEMPLATE,
  });
}

export const KERNEL_FILES = [
  '/proc/sys/kernel/core_pattern',
  '/proc/sys/kernel/modprobe',
  '/proc/sys/vm/drop_caches',
  '/proc/sys/net/ipv4/ip_forward',
  '/proc/sys/fs/binfmt_misc/register',
  '/proc/sysrq-trigger',
  '/proc/1/oom_score_adj',
  '/sys/kernel/uevent_helper',
  '/sys/fs/cgroup/cgroup.procs',
  '/sys/fs/cgroup/memory.max',
  '/sys/fs/cgroup/pids.max',
  '/sys/fs/cgroup/memory/memory.limit_in_bytes',
  '/sys/fs/cgroup/memory/release_agent',
  '/sys/fs/cgroup/memory/notify_on_release',
  '/sys/fs/cgroup/devices/devices.allow',
  '/sys/fs/cgroup/pids/pids.max',
];
export const KERNEL_DIRECTORIES = [
  '/proc',
  '/sys',
  '/sys/fs/cgroup',
  '/sys/fs/cgroup/memory',
  '/sys/fs/bpf',
  '/sys/kernel',
];
/** A process may make itself likelier to be killed; the kernel allows no more without a capability. */
const HARMLESS_WRITES = ['/proc/1/oom_score_adj'];

export function judgeKernelSettings({ directories, files }: Writes): Guarantee {
  const tried = [...directories.filter(({ path }) => KERNEL_DIRECTORIES.includes(path)), ...files];
  const wrong = tried.filter(({ path, result }) => result === 'ok' && !HARMLESS_WRITES.includes(path));
  return judged(ESCAPE_PROMISES.kernelSettings, {
    holds: files.length > 0 && wrong.length === 0,
    evidence: lines(
      tried.map(({ path, result }) => `write to ${path}: ${result}`),
      30,
    ),
    why: TEMPLATE,
  });
}

function describe(process: Record<string, string>, fields: readonly string[]): string {
  const facts = fields.map((field) => `${field} ${process[field] ?? 'unknown'}`).join(', ');
  return `pid ${process.pid ?? '?'} (${process.Name ?? '?'}): ${facts}`;
}
