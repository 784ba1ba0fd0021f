import type { Guarantee } from '@openlegion/contract/control-api';
import { judged, lines, words } from './guarantee.ts';
import type { Files, Kernel, Mounts, Processes, Writes } from './observations.ts';

const MASKS = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'];
const ZERO = /^0+$/;
const TEMPLATE = 'The container was not made from the fixed template: check the engine and its runtime.';

/** `declared` excuses a mask that is not shown, never one that is not zero. */
export function judgeCapabilities({ processes }: Processes, declared?: string): Guarantee {
  const wrong = processes.filter((process) => MASKS.some((mask) => !ZERO.test(process[mask] ?? 'unknown')));
  return judged('escape.capabilities', {
    holds: processes.length > 0,
    wrong: wrong.map((process) => describe(process, MASKS)),
    evidence: lines(processes.map((process) => describe(process, MASKS))),
    why: TEMPLATE,
    declared: wrong.some((process) => MASKS.some((mask) => /[1-9a-f]/.test(process[mask] ?? '')))
      ? undefined
      : declared,
  });
}

export function judgeNoNewPrivileges({ processes }: Processes, declared?: string): Guarantee {
  const seen = everyProcess(processes, 'NoNewPrivs', '1');
  return judged('escape.no-new-privileges', { ...seen, why: TEMPLATE, declared });
}

export function judgeSeccomp({ processes }: Processes, declared?: string): Guarantee {
  const why = `${TEMPLATE} A kernel without seccomp cannot run agents safely.`;
  return judged('escape.seccomp', { ...everyProcess(processes, 'Seccomp', '2'), why, declared });
}

function everyProcess(processes: Processes['processes'], field: string, wanted: string) {
  const holds = processes.length > 0 && processes.every((process) => process[field] === wanted);
  return { holds, evidence: lines(processes.map((process) => describe(process, [field]))) };
}

export function judgeUser({ processes }: Processes, kernel: Kernel): Guarantee {
  const asRoot = processes.filter(({ Uid, Gid, Groups }) =>
    `${Uid ?? '0'} ${Gid ?? '0'} ${Groups ?? ''}`.trim().split(/\s+/).includes('0'),
  );
  const shown = processes.map((process) => describe(process, ['Uid', 'Gid', 'Groups']));
  const neverRoot = kernel.setuid !== 'ok' && kernel.uid !== 0 && kernel.euid !== 0;
  return judged('escape.user', {
    holds: processes.length > 0 && asRoot.length === 0 && neverRoot,
    evidence: lines([...shown, `setuid(0): ${kernel.setuid}`]),
    why: TEMPLATE,
  });
}

/** Where inside 0 is outside 0, users are not mapped (user_namespaces(7), uid_map). */
export function judgeUserMapping({ uidMap }: Mounts, declared?: string): Guarantee {
  const [inside, outside] = uidMap.trim().split(/\s+/);
  return judged('escape.user-mapping', {
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
  return judged('escape.setuid', {
    holds: files > 100,
    wrong,
    evidence: `${files} files looked at; devices: ${devices.join(', ')}`,
    why: 'The image has a program that changes its user, or the container has a device of the machine.',
    declared: wrong.every((path) => virtual.includes(path)) ? declared : undefined,
  });
}

export function judgeHostSockets({ files, sockets, unix }: Files): Guarantee {
  return judged('escape.host-sockets', {
    holds: files > 100,
    wrong: [...sockets, ...unix],
    evidence: `${files} files looked at, none a socket; /proc/net/unix lists none`,
    why: 'A socket that the container did not make itself reaches a process outside of it.',
  });
}

export const SENSITIVE_FILES = words(`
  /proc/kcore /proc/keys /proc/key-users /proc/timer_list /proc/timer_stats /proc/sched_debug
  /proc/latency_stats /proc/scsi/scsi /proc/acpi/wakeup /proc/kallsyms /proc/1/root/etc/shadow
  /sys/firmware/dmi/tables/DMI /sys/kernel/debug/sched/debug /dev/mem /dev/kmem /dev/kmsg /etc/shadow`);
/** World-readable on every Linux; addresses in it are zeros for those without rights, so it is not a leak. */
const TOLERATED = ['/proc/key-users', '/proc/kallsyms'];

export function judgeMaskedProc({ sensitive }: Files): Guarantee {
  const read = sensitive.filter(
    ({ path, result, bytes }) => result === 'ok' && bytes > 0 && !TOLERATED.includes(path),
  );
  const shown = sensitive.map(
    ({ path, result, bytes }) => `${path}: ${result}${result === 'ok' ? `, ${bytes} bytes` : ''}`,
  );
  return judged('escape.masked-proc', {
    holds: sensitive.length > 0 && read.length === 0,
    evidence: lines(shown),
    why: 'These files tell of the machine; the engine did not mask them.',
  });
}

export const FORBIDDEN_DIRECTORIES = words(
  '/ /bin /etc /home /opt/openlegion /root /run /usr /usr/local/bin /var/lib /var/log /var/tmp',
);
export const ALLOWED_DIRECTORIES = ['/data', '/tmp'];

export function judgeReadOnlyRoot({ directories }: Writes): Guarantee {
  const forbidden = directories.filter(({ path }) => FORBIDDEN_DIRECTORIES.includes(path));
  const allowed = directories.filter(({ path }) => ALLOWED_DIRECTORIES.includes(path));
  const tried = [...forbidden, ...allowed];
  const useful = allowed.every(({ result }) => result === 'ok');
  return judged('escape.read-only-root', {
    holds: tried.length > 0 && useful && forbidden.every(({ result }) => result !== 'ok'),
    evidence: lines(tried.map(({ path, result }) => `write to ${path}: ${result}`)),
    why: useful
      ? TEMPLATE
      : 'An agent cannot write where it must: the container is not made as it should be.',
  });
}

export const KERNEL_FILES = words(`
  /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/vm/drop_caches
  /proc/sys/net/ipv4/ip_forward /proc/sys/fs/binfmt_misc/register /proc/sysrq-trigger
  /proc/1/oom_score_adj /sys/kernel/uevent_helper /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/memory.max
  /sys/fs/cgroup/pids.max /sys/fs/cgroup/memory/memory.limit_in_bytes
  /sys/fs/cgroup/memory/release_agent /sys/fs/cgroup/memory/notify_on_release
  /sys/fs/cgroup/devices/devices.allow /sys/fs/cgroup/pids/pids.max`);
export const KERNEL_DIRECTORIES = words(`
  /proc /sys /sys/fs/cgroup /sys/fs/cgroup/memory /sys/fs/bpf /sys/kernel`);
/** A process may make itself likelier to be killed; the kernel allows no more without a capability. */
const HARMLESS_WRITES = ['/proc/1/oom_score_adj'];

export function judgeKernelSettings({ directories, files }: Writes): Guarantee {
  const tried = [...directories.filter(({ path }) => KERNEL_DIRECTORIES.includes(path)), ...files];
  const wrong = tried.filter(({ path, result }) => result === 'ok' && !HARMLESS_WRITES.includes(path));
  const shown = tried.map(({ path, result }) => `write to ${path}: ${result}`);
  return judged('escape.kernel-settings', {
    holds: files.length > 0 && wrong.length === 0,
    evidence: lines(shown, 30),
    why: TEMPLATE,
  });
}

function describe(process: Record<string, string>, fields: readonly string[]): string {
  const facts = fields.map((field) => `${field} ${process[field] ?? 'unknown'}`).join(', ');
  return `pid ${process.pid ?? '?'} (${process.Name ?? '?'}): ${facts}`;
}
