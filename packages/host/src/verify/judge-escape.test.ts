import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as isolation from './judge-escape.ts';
import * as kernelJudges from './judge-kernel.ts';
import { judgeMounts } from './judge-mounts.ts';
import { type JudgeCase, testCases } from './test/judge-cases.ts';
import { files, kernel, mountinfo, processes, writes } from './test/seen.ts';

const CASES: JudgeCase[] = [
  {
    id: 'escape.capabilities',
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
    id: 'escape.no-new-privileges',
    good: isolation.judgeNoNewPrivileges(processes()),
    bad: { off: isolation.judgeNoNewPrivileges(processes({ NoNewPrivs: '0' })) },
  },
  {
    id: 'escape.seccomp',
    good: isolation.judgeSeccomp(processes()),
    bad: {
      off: isolation.judgeSeccomp(processes({ Seccomp: '0' })),
      none: isolation.judgeSeccomp({ processes: [] }),
    },
  },
  {
    id: 'escape.user',
    good: isolation.judgeUser(processes(), kernel()),
    bad: {
      'a process of root': isolation.judgeUser(processes({ Uid: '1000 0 1000 1000' }), kernel()),
      'the group of root': isolation.judgeUser(processes({ Groups: '1000 0' }), kernel()),
      'setuid works': isolation.judgeUser(processes(), kernel({ setuid: 'ok' })),
      'uid not shown': isolation.judgeUser({ processes: [{ pid: '1' }] }, kernel()),
    },
  },
  {
    id: 'escape.user-mapping',
    good: isolation.judgeUserMapping({ ...mountinfo(), uidMap: '0 100000 65536\n' }),
    bad: {
      unmapped: isolation.judgeUserMapping(mountinfo()),
      unknown: isolation.judgeUserMapping({ ...mountinfo(), uidMap: '' }),
    },
  },
  {
    id: 'escape.setuid',
    good: isolation.judgeSetuid(files()),
    bad: {
      su: isolation.judgeSetuid(files({ setuid: ['/bin/su mode 4755 uid 0'] })),
      disk: isolation.judgeSetuid(files({ devices: ['/dev/sda'] })),
      'nothing looked at': isolation.judgeSetuid(files({ files: 0 })),
    },
  },
  {
    id: 'escape.host-sockets',
    good: isolation.judgeHostSockets(files()),
    bad: {
      docker: isolation.judgeHostSockets(files({ sockets: ['/run/docker.sock'] })),
      abstract: isolation.judgeHostSockets(files({ unix: ['@/containerd-shim/x.sock'] })),
    },
  },
  {
    id: 'escape.masked-proc',
    good: isolation.judgeMaskedProc(files()),
    bad: {
      kcore: isolation.judgeMaskedProc(
        files({ sensitive: [{ path: '/proc/kcore', result: 'ok', bytes: 64 }] }),
      ),
      'nothing tried': isolation.judgeMaskedProc(files({ sensitive: [] })),
    },
  },
  {
    id: 'escape.read-only-root',
    good: isolation.judgeReadOnlyRoot(writes()),
    bad: {
      writable: isolation.judgeReadOnlyRoot(writes({ directories: [['/usr/local/bin', 'ok']] })),
      'useless data': isolation.judgeReadOnlyRoot(writes({ directories: [['/data', 'EROFS']] })),
    },
  },
  {
    id: 'escape.kernel-settings',
    good: isolation.judgeKernelSettings(writes()),
    bad: {
      core: isolation.judgeKernelSettings(writes({ files: [['/proc/sys/kernel/core_pattern', 'ok']] })),
      cgroup: isolation.judgeKernelSettings(writes({ directories: [['/sys/fs/cgroup', 'ok']] })),
      'nothing tried': isolation.judgeKernelSettings(writes({ files: [] })),
    },
  },
  {
    id: 'escape.namespaces',
    good: kernelJudges.judgeNamespaces(kernel()),
    bad: {
      user: kernelJudges.judgeNamespaces(kernel({ calls: { 'unshare(user)': 'ok' } })),
      'let through': kernelJudges.judgeNamespaces(kernel({ calls: { 'clone3(user)': 'EINVAL' } })),
      'nothing tried': kernelJudges.judgeNamespaces(kernel({ calls: {} })),
    },
  },
  {
    id: 'escape.system-calls',
    good: kernelJudges.judgeSystemCalls(kernel()),
    bad: {
      bpf: kernelJudges.judgeSystemCalls(kernel({ calls: { bpf: 'EFAULT' } })),
      uring: kernelJudges.judgeSystemCalls(kernel({ calls: { io_uring_setup: 'ok' } })),
    },
  },
  {
    id: 'escape.socket-families',
    good: kernelJudges.judgeSocketFamilies(kernel()),
    bad: {
      packet: kernelJudges.judgeSocketFamilies(kernel({ families: { 1: [1], 17: [3] } })),
      raw: kernelJudges.judgeSocketFamilies(kernel({ families: { 1: [1], 2: [1, 3] } })),
      xfrm: kernelJudges.judgeSocketFamilies(kernel({ netlink: [0, 6] })),
      'nothing tried': kernelJudges.judgeSocketFamilies(kernel({ families: {} })),
    },
  },
  {
    id: 'escape.mounts',
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
];

testCases(/^escape\.(?!browser-sandbox)/, CASES);

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
