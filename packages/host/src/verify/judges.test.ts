import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Guarantee } from '@openlegion/contract/control-api';
import type { SandboxExit } from '../sandbox/sandbox-backend.ts';
import { judged, unchecked } from './guarantee.ts';
import {
  CREDENTIAL_PROMISES,
  judgeContainerSearch,
  judgeEngine,
  judgeEnvironment,
} from './judge-credentials.ts';
import * as isolation from './judge-escape.ts';
import {
  HOST_PROMISES,
  identityClaims,
  judgeAudit,
  judgeIdentity,
  judgeNoGrant,
  judgeRoutes,
  judgeWire,
  UNKNOWN_ROUTES,
} from './judge-host.ts';
import * as kernelJudges from './judge-kernel.ts';
import * as limits from './judge-limits.ts';
import { judgeMounts, MOUNTS_PROMISE } from './judge-mounts.ts';
import { judgeHostApi, judgeInterfaces, judgeOutbound, NETWORK_PROMISES } from './judge-network.ts';
import type {
  Files,
  Kernel,
  MeshAnswers,
  Network,
  Outbound,
  Processes,
  Secrets,
  Writes,
} from './observations.ts';

const ZERO = '0000000000000000';
const confined = {
  ...{ pid: '7', Name: 'node', Uid: '1000 1000 1000 1000', Gid: '1000 1000 1000 1000', Groups: '1000' },
  ...{ CapInh: ZERO, CapPrm: ZERO, CapEff: ZERO, CapBnd: ZERO, CapAmb: ZERO, NoNewPrivs: '1', Seccomp: '2' },
};
const processes = (changed: Record<string, string> = {}): Processes => ({
  processes: [confined, { ...confined, ...changed }],
});
const kernel = (changed: Partial<Kernel> = {}): Kernel => ({
  calls: { 'unshare(user)': 'EPERM', 'clone3(user)': 'ENOSYS', bpf: 'EPERM', iopl: 'no such call here' },
  families: { 1: [1, 2, 5], 2: [1, 2], 10: [1, 2], 16: [2, 3] },
  netlink: [0],
  ...{ setuid: 'EPERM', uid: 1000, euid: 1000, gid: 1000, groups: [1000] },
  ...changed,
});
const files = (changed: Partial<Files> = {}): Files => ({
  ...{ files: 7000, sockets: [], setuid: [], devices: ['/dev/null', '/dev/pts/ptmx'], unix: [] },
  sensitive: [
    { path: '/proc/kcore', result: 'ok', bytes: 0 },
    { path: '/proc/keys', result: 'EACCES', bytes: 0 },
  ],
  ...changed,
});
const writes = (changed: { directories?: [string, string][]; files?: [string, string][] } = {}): Writes => ({
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
const HEAD = 'Inter-| Receive\n face |bytes\n';
const network = (changed: Partial<Network> = {}): Network => ({
  devices: `${HEAD}    lo:       0       0\n`,
  routes: 'Iface\tDestination\n',
  routes6: `${'0'.repeat(32)} 00 80200001       lo\n`,
  resolver: '',
  ...changed,
});
const outbound = (result: string): Outbound => ({
  tcp: [{ host: '1.1.1.1', port: 443, result }],
  udp: [{ host: '8.8.8.8', port: 53, result: 'ENETUNREACH' }],
  names: [{ name: 'example.com', result: 'ENOTFOUND EAI_AGAIN' }],
});
const secrets = (changed: Partial<Secrets> = {}): Secrets => ({
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
const answers = (count: number, odd: Partial<MeshAnswers['answers'][number]> = {}): MeshAnswers => ({
  answers: Array.from({ length: count }, (_, index) => ({
    ...{ status: 403, body: REFUSED, error: '' },
    ...(index === count - 1 ? odd : {}),
  })),
});
const introspection = (last: { status: number; body: string }): MeshAnswers => ({
  answers: [
    { status: 200, body: '{"name":"probe"}', error: '' },
    { ...last, error: '' },
  ],
});
const exit = (cause: SandboxExit['cause']): SandboxExit => ({
  cause,
  exitCode: 1,
  reason: 'why',
  stderr: '',
});
const mountinfo = (...more: string[]) => ({
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

/** Per guarantee: an observation under which it holds, and those under which it must not. */
const CASES: { id: string; good: Guarantee; bad: Record<string, Guarantee> }[] = [
  {
    id: isolation.ESCAPE_PROMISES.capabilities.id,
    good: isolation.judgeCapabilities(processes()),
    bad: {
      ...Object.fromEntries(
        ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((mask) => [
          mask,
          isolation.judgeCapabilities(processes({ [mask]: '0000000000000400' })),
        ]),
      ),
      'nothing seen': isolation.judgeCapabilities({ processes: [] }),
      'mask not shown': isolation.judgeCapabilities({ processes: [{ pid: '1' }] }),
    },
  },
  {
    id: isolation.ESCAPE_PROMISES.noNewPrivileges.id,
    good: isolation.judgeNoNewPrivileges(processes()),
    bad: { off: isolation.judgeNoNewPrivileges(processes({ NoNewPrivs: '0' })) },
  },
  {
    id: isolation.ESCAPE_PROMISES.seccomp.id,
    good: isolation.judgeSeccomp(processes()),
    bad: {
      off: isolation.judgeSeccomp(processes({ Seccomp: '0' })),
      none: isolation.judgeSeccomp({ processes: [] }),
    },
  },
  {
    id: isolation.ESCAPE_PROMISES.user.id,
    good: isolation.judgeUser(processes(), kernel()),
    bad: {
      'a process of root': isolation.judgeUser(processes({ Uid: '1000 0 1000 1000' }), kernel()),
      'the group of root': isolation.judgeUser(processes({ Groups: '1000 0' }), kernel()),
      'setuid works': isolation.judgeUser(processes(), kernel({ setuid: 'ok' })),
      'uid not shown': isolation.judgeUser({ processes: [{ pid: '1' }] }, kernel()),
    },
  },
  {
    id: isolation.ESCAPE_PROMISES.userNamespace.id,
    good: isolation.judgeUserMapping({ ...mountinfo(), uidMap: '0 100000 65536\n' }),
    bad: {
      unmapped: isolation.judgeUserMapping(mountinfo()),
      unknown: isolation.judgeUserMapping({ ...mountinfo(), uidMap: '' }),
    },
  },
  {
    id: isolation.ESCAPE_PROMISES.setuid.id,
    good: isolation.judgeSetuid(files()),
    bad: {
      su: isolation.judgeSetuid(files({ setuid: ['/bin/su mode 4755 uid 0'] })),
      disk: isolation.judgeSetuid(files({ devices: ['/dev/sda'] })),
      'nothing looked at': isolation.judgeSetuid(files({ files: 0 })),
    },
  },
  {
    id: isolation.ESCAPE_PROMISES.sockets.id,
    good: isolation.judgeHostSockets(files()),
    bad: {
      docker: isolation.judgeHostSockets(files({ sockets: ['/run/docker.sock'] })),
      abstract: isolation.judgeHostSockets(files({ unix: ['@/containerd-shim/x.sock'] })),
    },
  },
  {
    id: isolation.ESCAPE_PROMISES.maskedProc.id,
    good: isolation.judgeMaskedProc(files()),
    bad: {
      kcore: isolation.judgeMaskedProc(
        files({ sensitive: [{ path: '/proc/kcore', result: 'ok', bytes: 64 }] }),
      ),
      'nothing tried': isolation.judgeMaskedProc(files({ sensitive: [] })),
    },
  },
  {
    id: isolation.ESCAPE_PROMISES.readOnly.id,
    good: isolation.judgeReadOnlyRoot(writes()),
    bad: {
      writable: isolation.judgeReadOnlyRoot(writes({ directories: [['/usr/local/bin', 'ok']] })),
      'useless data': isolation.judgeReadOnlyRoot(writes({ directories: [['/data', 'EROFS']] })),
    },
  },
  {
    id: isolation.ESCAPE_PROMISES.kernelSettings.id,
    good: isolation.judgeKernelSettings(writes()),
    bad: {
      core: isolation.judgeKernelSettings(writes({ files: [['/proc/sys/kernel/core_pattern', 'ok']] })),
      cgroup: isolation.judgeKernelSettings(writes({ directories: [['/sys/fs/cgroup', 'ok']] })),
      'nothing tried': isolation.judgeKernelSettings(writes({ files: [] })),
    },
  },
  {
    id: kernelJudges.KERNEL_PROMISES.namespaces.id,
    good: kernelJudges.judgeNamespaces(kernel()),
    bad: {
      user: kernelJudges.judgeNamespaces(kernel({ calls: { 'unshare(user)': 'ok' } })),
      'let through': kernelJudges.judgeNamespaces(kernel({ calls: { 'clone3(user)': 'EINVAL' } })),
      'nothing tried': kernelJudges.judgeNamespaces(kernel({ calls: {} })),
    },
  },
  {
    id: kernelJudges.KERNEL_PROMISES.calls.id,
    good: kernelJudges.judgeSystemCalls(kernel()),
    bad: {
      bpf: kernelJudges.judgeSystemCalls(kernel({ calls: { bpf: 'EFAULT' } })),
      uring: kernelJudges.judgeSystemCalls(kernel({ calls: { io_uring_setup: 'ok' } })),
    },
  },
  {
    id: kernelJudges.KERNEL_PROMISES.families.id,
    good: kernelJudges.judgeSocketFamilies(kernel()),
    bad: {
      packet: kernelJudges.judgeSocketFamilies(kernel({ families: { 1: [1], 17: [3] } })),
      raw: kernelJudges.judgeSocketFamilies(kernel({ families: { 1: [1], 2: [1, 3] } })),
      xfrm: kernelJudges.judgeSocketFamilies(kernel({ netlink: [0, 6] })),
      'nothing tried': kernelJudges.judgeSocketFamilies(kernel({ families: {} })),
    },
  },
  {
    id: MOUNTS_PROMISE.id,
    good: judgeMounts(mountinfo()),
    bad: Object.fromEntries(
      Object.entries({
        'a home': '1 1 8:1 /home/x /mnt ro,nosuid,nodev - ext4 /dev/sda rw',
        'run of the machine': '1 1 0:25 /docker /run ro,nosuid,nodev - tmpfs tmpfs rw',
        'setuid on data': '1 1 8:1 / /data rw,nodev - ext4 /dev/loop0 rw',
        'devices on tmp': '1 1 0:9 / /tmp rw,nosuid - tmpfs tmpfs rw',
        'writable cgroup': '1 1 0:9 / /sys/fs/cgroup rw,nosuid,nodev - cgroup2 cgroup rw',
        'writable elsewhere': '1 1 0:9 / /opt rw,nosuid,nodev - tmpfs tmpfs rw',
        'writable root': '1 1 0:9 / / rw - overlay overlay rw',
        'writable init': '1 1 8:1 /x /sbin/docker-init rw - ext4 /dev/sda rw',
        unreadable: 'nonsense',
      }).map(([name, line]) => [name, judgeMounts(mountinfo(line))]),
    ),
  },
  {
    id: NETWORK_PROMISES.interfaces.id,
    good: judgeInterfaces(network()),
    bad: {
      eth0: judgeInterfaces(network({ devices: `${HEAD}    lo: 0\n  eth0: 0\n` })),
      route: judgeInterfaces(network({ routes: 'Iface\neth0\t00000000\t010011AC\n' })),
      'route of IPv6': judgeInterfaces(network({ routes6: `${'0'.repeat(32)} 00 00000003     eth0\n` })),
      'nothing seen': judgeInterfaces(network({ devices: 'EACCES' })),
    },
  },
  ...[judgeOutbound, judgeHostApi].map((judge, index) => ({
    id: [NETWORK_PROMISES.outbound.id, NETWORK_PROMISES.hostApi.id][index] ?? '',
    good: judge(outbound('ENETUNREACH')),
    bad: {
      connected: judge(outbound('connected')),
      timeout: judge(outbound('timeout')),
      sent: judge({ ...outbound('EPERM'), udp: [{ host: '8.8.8.8', port: 53, result: 'sent' }] }),
      name: judge({ ...outbound('EPERM'), names: [{ name: 'example.com', result: 'answered' }] }),
      'nothing tried': judge({ tcp: [], udp: [], names: [] }),
    },
  })),
  {
    id: CREDENTIAL_PROMISES.environment.id,
    good: judgeEnvironment({ processes: [{ pid: 1, environ: ['PATH=/bin', 'LANG=C'], cmdline: 'node x' }] }),
    bad: Object.fromEntries(
      [
        'OPENAI_API_KEY=x',
        'OPENLEGION_SYSTEM_X=y',
        'A=sk-abcdefghijklmnopqrst',
        'B=Bearer abcdefghi',
        'GH_TOKEN=',
      ].map((variable) => [
        variable,
        judgeEnvironment({ processes: [{ pid: 1, environ: ['PATH=/bin', variable], cmdline: '' }] }),
      ]),
    ),
  },
  {
    id: CREDENTIAL_PROMISES.container.id,
    good: judgeContainerSearch(secrets(), true),
    bad: {
      found: judgeContainerSearch(secrets({ found: [{ place: '/data/x', form: 'base64' }] }), true),
      'a blind search': judgeContainerSearch(secrets({ control: [] }), true),
      'blind in processes': judgeContainerSearch(
        secrets({ control: [{ place: '/tmp/.probe-planted', form: 'raw' }] }),
        true,
      ),
    },
  },
  {
    id: CREDENTIAL_PROMISES.engine.id,
    good: judgeEngine({ Config: 'x'.repeat(200) }, 'CANARY0123456789'),
    bad: {
      canary: judgeEngine(
        { x: 'y'.repeat(200), Env: ['K=CANARY0123456789abcdefghijklmnop'] },
        'CANARY0123456789',
      ),
      shape: judgeEngine({ x: 'y'.repeat(200), Env: ['K=sk-abcdefghijklmnopqrst'] }, null),
      'nothing said': judgeEngine(undefined, null),
    },
  },
  {
    id: HOST_PROMISES.identity.id,
    good: judgeIdentity(introspection({ status: 200, body: '{"name":"probe"}' }), 'probe', 'other'),
    bad: {
      believed: judgeIdentity(introspection({ status: 200, body: '{"name":"other"}' }), 'probe', 'other'),
      leaked: judgeIdentity(introspection({ status: 403, body: 'no, other' }), 'probe', 'other'),
      'not answered': judgeIdentity(answers(3), 'probe', 'other'),
    },
  },
  {
    id: HOST_PROMISES.routes.id,
    good: judgeRoutes(answers(UNKNOWN_ROUTES.length, { status: 0, body: '', error: 'reset' })),
    bad: {
      answered: judgeRoutes(answers(UNKNOWN_ROUTES.length, { status: 200 })),
      redirected: judgeRoutes(answers(UNKNOWN_ROUTES.length, { status: 302 })),
      'a stack': judgeRoutes(
        answers(UNKNOWN_ROUTES.length, { status: 500, body: 'TypeError\n at x (node:internal/y)' }),
      ),
      'another form': judgeRoutes(answers(UNKNOWN_ROUTES.length, { status: 404, body: '<html>nginx' })),
      'not all asked': judgeRoutes(answers(3)),
    },
  },
  {
    id: HOST_PROMISES.noGrant.id,
    good: judgeNoGrant(answers(50)),
    bad: { admitted: judgeNoGrant(answers(50, { status: 200 })), 'too few': judgeNoGrant(answers(3)) },
  },
  {
    id: HOST_PROMISES.wire.id,
    good: judgeWire([{ mode: 'garbage', ended: 'refused', reason: '' }], true),
    bad: {
      open: judgeWire([{ mode: 'garbage', ended: 'open', reason: '' }], true),
      neighbour: judgeWire([{ mode: 'garbage', ended: 'protocol', reason: '' }], false),
      'nothing tried': judgeWire([], true),
    },
  },
  {
    id: HOST_PROMISES.audit.id,
    good: judgeAudit({ unbroken: true, records: 3, detail: '' }),
    bad: {
      broken: judgeAudit({ unbroken: false, records: 3, detail: '' }),
      empty: judgeAudit({ unbroken: true, records: 0, detail: '' }),
    },
  },
  {
    id: limits.LIMIT_PROMISES.processes.id,
    good: limits.judgeForks({ started: 250, failure: 'EAGAIN' }, 256),
    bad: {
      unlimited: limits.judgeForks({ started: 1024, failure: 'none' }, 256),
      high: limits.judgeForks({ started: 900, failure: 'EAGAIN' }, 256),
    },
  },
  {
    id: limits.LIMIT_PROMISES.memory.id,
    good: limits.judgeMemory({ taken: null, exit: exit('out_of_memory') }, 2 ** 28),
    bad: {
      unlimited: limits.judgeMemory({ taken: { megabytes: 512, ended: 'by itself' }, exit: null }, 2 ** 28),
      unknown: limits.judgeMemory({ taken: null, exit: null }, 2 ** 28),
    },
  },
  {
    id: limits.LIMIT_PROMISES.disk.id,
    good: limits.judgeDisk(
      { directories: [{ path: '/tmp', bytes: 90, failure: 'ENOSPC' }] },
      new Map([['/tmp', 100]]),
    ),
    bad: {
      unlimited: limits.judgeDisk(
        { directories: [{ path: '/tmp', bytes: 90, failure: 'none' }] },
        new Map([['/tmp', 100]]),
      ),
      high: limits.judgeDisk(
        { directories: [{ path: '/tmp', bytes: 900, failure: 'ENOSPC' }] },
        new Map([['/tmp', 100]]),
      ),
    },
  },
  {
    id: limits.LIMIT_PROMISES.files.id,
    good: limits.judgeOpenFiles({ opened: 4000, failure: 'EMFILE' }),
    bad: { unlimited: limits.judgeOpenFiles({ opened: 1_000_000, failure: 'none' }) },
  },
  {
    id: limits.LIMIT_PROMISES.processor.id,
    good: limits.judgeProcessor({ cpuMs: 150, wallMs: 1000 }, 0.15),
    bad: {
      whole: limits.judgeProcessor({ cpuMs: 1000, wallMs: 1000 }, 0.15),
      unmeasured: limits.judgeProcessor({ cpuMs: 0, wallMs: 0 }, 0.15),
    },
  },
  {
    id: limits.LIMIT_PROMISES.stderr.id,
    good: limits.judgeStderr(exit('limit')),
    bad: { running: limits.judgeStderr(null), other: limits.judgeStderr(exit('exited')) },
  },
  {
    id: limits.LIMIT_PROMISES.end.id,
    good: limits.judgeEnd(exit('stopped')),
    bad: { running: limits.judgeEnd(null) },
  },
];

for (const { id, good, bad } of CASES) {
  test(`${id}: holds for what is right, broken for each that is wrong`, () => {
    assert.equal(good.id, id);
    assert.equal(good.verdict, 'holds', good.evidence);
    for (const [name, guarantee] of Object.entries(bad)) {
      assert.equal(guarantee.id, id);
      assert.equal(guarantee.verdict, 'broken', `${name}: ${guarantee.evidence}`);
      assert.notEqual(guarantee.why, '', name);
    }
  });
}

test('every promise has its cases', () => {
  const promised = [
    ...Object.values(isolation.ESCAPE_PROMISES),
    ...Object.values(kernelJudges.KERNEL_PROMISES),
    MOUNTS_PROMISE,
    ...Object.values(NETWORK_PROMISES),
    ...Object.values(CREDENTIAL_PROMISES),
    ...Object.values(HOST_PROMISES),
    ...Object.values(limits.LIMIT_PROMISES),
  ].map(({ id }) => id);
  assert.deepEqual(promised.toSorted(), CASES.map(({ id }) => id).toSorted());
});

test('a memory bomb that is refused at the limit, or killed alone, is contained as well', () => {
  const refused = { taken: { megabytes: 200, ended: 'by itself' }, exit: null };
  assert.equal(limits.judgeMemory(refused, 2 ** 28).verdict, 'holds');
  const killed = { taken: { megabytes: 0, ended: 'SIGKILL' }, exit: null };
  assert.equal(limits.judgeMemory(killed, 2 ** 28).verdict, 'holds');
});

test('what the sandbox declares missing is tried all the same: missing, or held against its word', () => {
  const promised = { id: 'a.b', area: 'limits', promise: 'x' } as const;
  const missing = judged(promised, {
    holds: false,
    evidence: 'seen',
    why: 'broken',
    declared: 'no quota here',
  });
  assert.deepEqual([missing.verdict, missing.why], ['cannot_be_given', 'no quota here']);
  const held = judged(promised, { holds: true, evidence: 'seen', why: 'broken', declared: 'no quota here' });
  assert.equal(held.verdict, 'holds');
  assert.match(held.evidence, /no quota here/);
  assert.equal(judged(promised, { holds: false, evidence: 'seen', why: 'w' }).verdict, 'broken');
  assert.equal(unchecked(promised, new Error('gone')).verdict, 'broken');
});

test('without planted credentials the search claims nothing', () => {
  assert.equal(judgeContainerSearch(secrets(), false).verdict, 'cannot_be_given');
});

test('values of variables are never shown', () => {
  const value = 'sk-abcdefghijklmnopqrst';
  const guarantee = judgeEnvironment({ processes: [{ pid: 1, environ: [`A=${value}`], cmdline: '' }] });
  assert.ok(!JSON.stringify(guarantee).includes(value));
});

test('identity is claimed in every place that other systems believe', () => {
  const claims = JSON.stringify(identityClaims('other'));
  for (const place of ['x-agent-id', 'x-openlegion-agent', 'authorization', 'cookie', '?agent=']) {
    assert.ok(claims.includes(place), place);
  }
});

test('a kernel that shows a view of its own excuses what is not shown, and nothing that is seen to be wrong', () => {
  const why = 'gVisor shows a kernel of its own';
  const { judgeCapabilities, judgeSetuid } = isolation;
  const hidden = { pid: '1', CapInh: '0', CapPrm: '0', CapEff: '0', CapBnd: '0' };
  assert.equal(judgeCapabilities({ processes: [hidden] }, why).verdict, 'cannot_be_given');
  assert.equal(judgeCapabilities({ processes: [{ ...hidden, CapEff: '400' }] }, why).verdict, 'broken');
  assert.equal(judgeSetuid(files({ devices: ['/dev/fuse'] }), why).verdict, 'cannot_be_given');
  assert.equal(judgeSetuid(files({ devices: ['/dev/fuse', '/dev/sda'] }), why).verdict, 'broken');
  assert.equal(judgeSetuid(files({ setuid: ['/bin/su'] }), why).verdict, 'broken');
  const data = (options: string) => mountinfo(`1 1 0:9 / /data ${options} - tmpfs tmpfs rw`);
  assert.equal(judgeMounts(data('rw'), why).verdict, 'cannot_be_given');
  const home = '1 1 8:1 /home/x /mnt ro,nosuid,nodev - ext4 /dev/sda rw';
  assert.equal(judgeMounts(mountinfo(home), why).verdict, 'broken');
});
