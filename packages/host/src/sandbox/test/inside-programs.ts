/** Programs that the contract suite runs in a sandbox: each prints one line of JSON. */

/** What a container looks like from inside. `findings` is a map from check to what was seen. */
export const LOOK_AROUND = String.raw`
import ctypes, errno, glob, json, os, platform, resource, signal, socket, stat
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *args):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in args])
    return 'ok' if result != -1 else errno.errorcode.get(ctypes.get_errno(), str(ctypes.get_errno()))
def in_child(work):
    pid = os.fork()
    if pid == 0:
        try: os._exit(0 if work() == 'ok' else 1)
        except BaseException: os._exit(1)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status): return 'signal %d' % os.WTERMSIG(status)
    return 'ok' if os.WEXITSTATUS(status) == 0 else 'refused'
def attempt(work):
    try: work(); return 'ok'
    except OSError as e: return errno.errorcode.get(e.errno, str(e.errno))
def read(path):
    try: return open(path, 'rb').read(200).decode('utf8', 'replace')
    except OSError as e: return errno.errorcode.get(e.errno, str(e.errno))
found = {}
statuses = []
for path in glob.glob('/proc/[0-9]*/status'):
    fields = dict(line.split(':\t', 1) for line in open(path).read().splitlines() if ':\t' in line)
    statuses.append({k: fields.get(k, '').strip() for k in ('Name','Uid','CapInh','CapPrm','CapEff','CapBnd','CapAmb','NoNewPrivs','Seccomp')})
found['statuses'] = statuses
found['uid'] = [os.getuid(), os.geteuid(), os.getgid()]
found['setuid0'] = attempt(lambda: os.setuid(0))
found['interfaces'] = sorted(os.listdir('/sys/class/net')) if os.path.isdir('/sys/class/net') else sorted(line.split(':')[0].strip() for line in open('/proc/net/dev').read().splitlines()[2:])
found['mounts'] = [line.split(' - ')[0].split()[3:6] + line.split(' - ')[1].split()[:1] for line in open('/proc/self/mountinfo').read().splitlines()]
special = []
for directory, folders, files in os.walk('/', followlinks=False):
    if directory in ('/proc', '/sys', '/dev'): folders[:] = []; continue
    for name in files + folders:
        try:
            mode = os.lstat(os.path.join(directory, name)).st_mode
            if (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) and mode & (stat.S_ISUID | stat.S_ISGID): special.append(os.path.join(directory, name))
            if stat.S_ISSOCK(mode): special.append(os.path.join(directory, name))
        except OSError: pass
found['special'] = special
def family(number, kind, protocol):
    def work():
        socket.socket(number, kind, protocol).close()
    return attempt(work)
found['families'] = {str(n): sorted({family(n, k, 0) for k in (1, 2, 3, 5)}) for n in range(46)}
found['netlink'] = {str(p): family(16, 3, p) for p in range(23)}
x64 = platform.machine() == 'x86_64'
numbers = dict(unshare=272, setns=308, mount=165, umount2=166, pivot_root=155, chroot=161, keyctl=250, add_key=248,
  request_key=249, bpf=321, io_uring_setup=425, io_uring_enter=426, io_uring_register=427, userfaultfd=323, perf_event_open=298, ptrace=101, kexec_load=246, kexec_file_load=320,
  init_module=175, finit_module=313, delete_module=176, fsopen=430, fsconfig=431, fsmount=432, open_tree=428, move_mount=429, mount_setattr=442,
  process_vm_readv=310, process_vm_writev=311, pidfd_getfd=438, kcmp=312, open_by_handle_at=304, name_to_handle_at=303, swapon=167, reboot=169, quotactl=179, iopl=172,
  ioperm=173, modify_ldt=154, acct=163, settimeofday=164, syslog=103, vmsplice=278, fanotify_init=300, lookup_dcookie=212, io_setup=206, clone3=435,
  sethostname=170, setdomainname=171, memfd_secret=447) if x64 else dict(unshare=97, setns=268, mount=40, umount2=39, pivot_root=41, chroot=51, keyctl=219,
  add_key=217, request_key=218, bpf=280, io_uring_setup=425, userfaultfd=282, perf_event_open=241, ptrace=117, init_module=105, finit_module=273, process_vm_readv=270, clone3=435)
found['syscalls'] = {name: call(number, dict(unshare=0x10000000, ptrace=16).get(name, 0), 0, 0, 0, 0, 0) for name, number in numbers.items()}
clone = 56 if x64 else 220
def clone_flag(flag):
    pid = libc.syscall(clone, ctypes.c_long(flag | signal.SIGCHLD), 0, 0, 0, 0)
    if pid == 0: os._exit(0)
    if pid > 0: os.waitpid(pid, 0)
    return 'ok' if pid > 0 else 'refused'
found['clone'] = {hex(f): clone_flag(f) for f in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)}
found['clone plain'] = clone_flag(0)
found['personality'] = {hex(p): call(135 if x64 else 92, p) for p in (0x40000, 0x400000, 0x0008, 0xffffffff)}
if x64:
    found['x32 socket'] = in_child(lambda: call(0x40000000 + 41, 2, 1, 0))
    def int80():
        import mmap
        code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        # push rbx; mov eax, 20 (getpid); int 0x80; pop rbx; ret
        code.write(bytes([0x53, 0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0x5b, 0xc3]))
        run = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
        return 'ok' if run() > 0 else 'refused'
    found['int80'] = in_child(int80)
found['root writes'] = {p: attempt(lambda p=p: open(p, 'w')) for p in ('/x', '/usr/x', '/etc/passwd', '/var/tmp/x', '/opt/openlegion/x', '/usr/local/bin/node', '/run/x', '/sys/x')}
found['kernel writes'] = {p: attempt(lambda p=p: open(p, 'w')) for p in ('/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger', '/proc/sys/vm/drop_caches', '/proc/sys/kernel/modprobe', '/sys/kernel/uevent_helper', '/proc/sys/net/ipv4/ip_forward')}
found['masked'] = {p: (read(p) if not os.path.isdir(p) else 'entries ' + str(len(os.listdir(p)))) for p in ('/proc/kcore', '/proc/keys', '/proc/timer_list', '/proc/sched_debug', '/proc/interrupts', '/proc/latency_stats', '/sys/firmware', '/proc/scsi', '/proc/acpi')}
found['limits'] = {k: resource.getrlimit(getattr(resource, 'RLIMIT_' + k)) for k in ('NOFILE', 'CORE', 'FSIZE')}
found['raise nofile'] = attempt(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096)))
try: resource.setrlimit(resource.RLIMIT_NOFILE, (65536, 65536)); found['raise nofile more'] = 'ok'
except (ValueError, OSError): found['raise nofile more'] = 'refused'
opened = []
fd_end = attempt(lambda: [opened.append(os.open('/dev/null', os.O_RDONLY)) for _ in range(70000)])
found['descriptors'] = [len(opened), fd_end]
for fd in opened: os.close(fd)
found['env'] = sorted(os.environ)
found['hostname'] = socket.gethostname()
found['cgroup writes'] = sorted({attempt(lambda p=p: open(p, 'w')) for p in glob.glob('/sys/fs/cgroup/**/cgroup.procs', recursive=True) + glob.glob('/sys/fs/cgroup/**/release_agent', recursive=True)})
found['devices'] = sorted(n for n in os.listdir('/dev'))
def execute():
    open('/tmp/t', 'w').write('#!/bin/sh\nexit 0\n'); os.chmod('/tmp/t', 0o755); os.execv('/tmp/t', ['t'])
found['exec in tmp'] = in_child(execute)
found['connect'] = {a: attempt(lambda a=a: socket.create_connection((a, 80), 2)) for a in ('1.1.1.1', '172.17.0.1', '169.254.169.254')}
print(json.dumps(found), flush=True)
`;

/** Forks until refused or `most`, keeps all children alive until it has counted. */
export const forkBomb = (most: number) => `
import json, os, signal
children = []
try:
    while len(children) < ${most}:
        pid = os.fork()
        if pid == 0:
            signal.pause(); os._exit(0)
        children.append(pid)
    end = 'unbounded'
except OSError as e: end = e.strerror
for pid in children: os.kill(pid, 9)
print(json.dumps({'children': len(children), 'end': end}), flush=True)
`;

export const memoryBomb = (bytes: number) => `
import json
kept = []
for _ in range(${bytes} // (4 << 20)):
    block = bytearray(4 << 20)
    for i in range(0, len(block), 4096): block[i] = 1
    kept.append(block)
print(json.dumps({'held': len(kept) * (4 << 20)}), flush=True)
`;

/** Writes files of 1 MiB to `directory` until refused or `bytes` are written, then stays. */
export const diskBomb = (directory: string, bytes: number) => `
import json, os, sys
written, end = 0, 'unbounded'
block = os.urandom(1 << 20)
try:
    while written < ${bytes}:
        with open('${directory}/f%d' % written, 'wb') as f:
            f.write(block); f.flush(); os.fsync(f.fileno())
        written += 1 << 20
except OSError as e: end = e.strerror
print(json.dumps({'written': written, 'end': end}), flush=True)
sys.stdin.read()
`;

/** The processor quota as the kernel has it, before and after a line on standard input. */
export const CPU_QUOTA = `
import json, sys
def quota():
    for path in ('/sys/fs/cgroup/cpu.max', '/sys/fs/cgroup/cpu/cpu.cfs_quota_us', '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us'):
        try: return open(path).read().split()[0].replace('max', '-1')
        except OSError: pass
    return 'none'
before = quota()
print(json.dumps({'before': before}), flush=True)
sys.stdin.readline()
print(json.dumps({'after': quota()}), flush=True)
`;
