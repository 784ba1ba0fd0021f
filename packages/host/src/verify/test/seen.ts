import type { SandboxExit } from '../../sandbox/sandbox-backend.ts';
import type {
  Files,
  Kernel,
  MeshAnswers,
  Network,
  Outbound,
  Processes,
  Secrets,
  Writes,
} from '../observations.ts';

/* What a probe reports from a container in order, to be changed in one thing. */

const ZERO = '0000000000000000';
const confined = {
  ...{ pid: '7', Name: 'node', Uid: '1000 1000 1000 1000', Gid: '1000 1000 1000 1000', Groups: '1000' },
  ...{ CapInh: ZERO, CapPrm: ZERO, CapEff: ZERO, CapBnd: ZERO, CapAmb: ZERO, NoNewPrivs: '1', Seccomp: '2' },
};
export const processes = (changed: Record<string, string> = {}): Processes => ({
  processes: [confined, { ...confined, ...changed }],
});
export const kernel = (changed: Partial<Kernel> = {}): Kernel => ({
  calls: { 'unshare(user)': 'EPERM', 'clone3(user)': 'ENOSYS', bpf: 'EPERM', iopl: 'no such call here' },
  families: { 1: [1, 2, 5], 2: [1, 2], 10: [1, 2], 16: [2, 3] },
  netlink: [0],
  ...{ setuid: 'EPERM', uid: 1000, euid: 1000, gid: 1000, groups: [1000] },
  ...changed,
});
export const files = (changed: Partial<Files> = {}): Files => ({
  ...{ files: 7000, sockets: [], setuid: [], devices: ['/dev/null', '/dev/pts/ptmx'], unix: [] },
  sensitive: [
    { path: '/proc/kcore', result: 'ok', bytes: 0 },
    { path: '/proc/keys', result: 'EACCES', bytes: 0 },
  ],
  ...changed,
});
export const writes = (
  changed: { directories?: [string, string][]; files?: [string, string][] } = {},
): Writes => ({
  directories: pairs(
    changed.directories ?? [
      ['/', 'EROFS'],
      ['/data', 'ok'],
      ['/tmp', 'ok'],
    ],
  ),
  files: pairs(changed.files ?? [['/proc/sys/kernel/core_pattern', 'EACCES']]),
});
const pairs = (list: [string, string][]) => list.map(([path, result]) => ({ path, result }));
export const HEAD = 'Inter-| Receive\n face |bytes\n';
export const network = (changed: Partial<Network> = {}): Network => ({
  devices: `${HEAD}    lo:       0       0\n`,
  routes: 'Iface\tDestination\n',
  routes6: `${'0'.repeat(32)} 00 80200001       lo\n`,
  resolver: '',
  ...changed,
});
export const outbound = (result: string): Outbound => ({
  tcp: [{ host: '1.1.1.1', port: 443, result }],
  udp: [{ host: '8.8.8.8', port: 53, result: 'ENETUNREACH' }],
  names: [{ name: 'example.com', result: 'ENOTFOUND EAI_AGAIN' }],
});
export const secrets = (changed: Partial<Secrets> = {}): Secrets => ({
  found: [],
  control: [
    { place: '/tmp/.probe-planted', form: 'base64' },
    { place: '/proc/9/environ', form: 'raw' },
  ],
  counts: { files: 5000, bytes: 3e8, processes: 3, memories: 2, memoryBytes: 4e6 },
  unreadable: [],
  ...changed,
});
const REFUSED = JSON.stringify({
  type: 'error',
  error: { type: 'openlegion_refusal', code: 'denied', rule: 'a', message: 'No.', remedy: 'Ask.' },
});
export const answers = (count: number, odd: Partial<MeshAnswers['answers'][number]> = {}): MeshAnswers => ({
  answers: Array.from({ length: count }, (_, index) => ({
    ...{ status: 403, body: REFUSED, error: '' },
    ...(index === count - 1 ? odd : {}),
  })),
});
export const introspection = (last: { status: number; body: string }): MeshAnswers => ({
  answers: [
    { status: 200, body: '{"name":"probe"}', error: '' },
    { ...last, error: '' },
  ],
});
export const exit = (cause: SandboxExit['cause']): SandboxExit => ({
  cause,
  exitCode: 1,
  reason: 'why',
  stderr: '',
});
export const mountinfo = (...more: string[]) => ({
  mountinfo: [
    '121 71 0:52 / / ro,relatime master:3 - overlay overlay rw,lowerdir=/x',
    '122 121 0:55 / /proc rw,nosuid,nodev,noexec - proc proc rw',
    '123 121 0:56 / /dev rw,nosuid - tmpfs tmpfs rw',
    '127 126 0:29 / /sys/fs/cgroup/cpu ro,nosuid,nodev,noexec - cgroup cgroup rw,cpu',
    '128 121 8:1 /var/lib/x/_data /data rw,nosuid,nodev - ext4 /dev/loop0 rw',
    '129 121 8:1 /var/lib/x/init /sbin/docker-init ro,relatime - ext4 /dev/sda rw',
    '130 122 0:56 /null /proc/kcore rw,nosuid - tmpfs tmpfs rw',
    ...more,
    '',
  ].join('\n'),
  uidMap: '0 0 4294967295',
});
