import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSeccompProfile } from './seccomp-profile.ts';

const profile = createSeccompProfile('x86_64') ?? assert.fail();

test('refuses what it does not list', () => {
  assert.equal(profile.defaultAction, 'SCMP_ACT_ERRNO');
  assert.equal(profile.defaultErrnoRet, 1);
});

test('lists no call that reaches the kernel’s other surfaces', () => {
  const allowed = new Set(
    profile.syscalls.filter(({ action }) => action === 'SCMP_ACT_ALLOW').flatMap(({ names }) => names),
  );
  const forbidden =
    `io_uring_setup io_uring_enter io_uring_register bpf userfaultfd keyctl add_key request_key
    perf_event_open mount umount2 pivot_root fsopen fsmount fsconfig fspick open_tree move_mount mount_setattr unshare setns
    clone3 kexec_load kexec_file_load init_module finit_module delete_module ptrace process_vm_readv process_vm_writev
    pidfd_getfd kcmp open_by_handle_at name_to_handle_at socketcall iopl ioperm modify_ldt quotactl acct swapon swapoff reboot
    syslog vmsplice fanotify_init lookup_dcookie settimeofday clock_settime adjtimex chroot vhangup nfsservctl memfd_secret
    sethostname setdomainname uselib ustat sysfs io_submit vm86 migrate_pages move_pages`.split(/\s+/);
  assert.deepEqual(
    forbidden.filter((name) => allowed.has(name)),
    [],
  );
});

test('names each call once among those without conditions', () => {
  const names = profile.syscalls[0]?.names ?? [];
  assert.equal(new Set(names).size, names.length);
  assert.ok(
    names.every((name) => /^[a-z0-9_]+$/.test(name)),
    'no empty or split name',
  );
});

test('socket, clone and personality are allowed under conditions only', () => {
  for (const name of ['socket', 'socketpair', 'clone', 'personality']) {
    const rules = profile.syscalls.filter(({ names }) => names.includes(name));
    assert.ok(rules.length > 0 && rules.every(({ args }) => args !== undefined && args.length > 0), name);
  }
});

test('is for one 64-bit architecture, and for none that is not known', () => {
  assert.deepEqual(profile.architectures, ['SCMP_ARCH_X86_64']);
  assert.deepEqual(createSeccompProfile('arm64')?.architectures, ['SCMP_ARCH_AARCH64']);
  for (const architecture of ['i386', 'armv7l', 'riscv64', ''])
    assert.equal(createSeccompProfile(architecture), null);
});
