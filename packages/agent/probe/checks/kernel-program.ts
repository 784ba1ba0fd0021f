/**
 * Calls each system call with arguments that the kernel itself would refuse as invalid (EFAULT, EINVAL, EBADF): what
 * is refused before that is refused by the sandbox. `0` stands for success. Calls that would make a process end it
 * at once.
 */
export const KERNEL_PROGRAM = `
import ctypes, errno, json, os, platform, signal, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == 'x86_64'
NUMBERS = {
  'unshare': (272, 97), 'setns': (308, 268), 'clone': (56, 220), 'clone3': (435, 435),
  'keyctl': (250, 219), 'add_key': (248, 217), 'request_key': (249, 218),
  'bpf': (321, 280), 'io_uring_setup': (425, 425), 'io_uring_enter': (426, 426), 'io_uring_register': (427, 427),
  'userfaultfd': (323, 282), 'perf_event_open': (298, 241),
  'mount': (165, 40), 'umount2': (166, 39), 'pivot_root': (155, 41), 'chroot': (161, 51),
  'open_tree': (428, 428), 'move_mount': (429, 429), 'fsopen': (430, 430), 'fsmount': (432, 432), 'mount_setattr': (442, 442),
  'kexec_load': (246, 104), 'kexec_file_load': (320, 294),
  'init_module': (175, 105), 'finit_module': (313, 273), 'delete_module': (176, 106),
  'ptrace': (101, 117), 'process_vm_readv': (310, 270), 'process_vm_writev': (311, 271), 'pidfd_getfd': (438, 438), 'kcmp': (312, 272),
  'open_by_handle_at': (304, 265), 'name_to_handle_at': (303, 264), 'fanotify_init': (300, 262), 'quotactl': (179, 60),
  'reboot': (169, 142), 'swapon': (167, 224), 'swapoff': (168, 225), 'syslog': (103, 116), 'acct': (163, 89),
  'settimeofday': (164, 170), 'clock_settime': (227, 112), 'setdomainname': (171, 162), 'sethostname': (170, 161),
  'iopl': (172, None), 'ioperm': (173, None), 'modify_ldt': (154, None),
}
def number(name):
    return NUMBERS[name][0 if X86 else 1]
def call(name, *args):
    nr = number(name)
    if nr is None: return None
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(nr), *[a if not isinstance(a, int) else ctypes.c_long(a) for a in args])
    if result != -1: return 0
    return ctypes.get_errno()
def name_of(code):
    if code is None: return 'no such call here'
    return 'ok' if code == 0 else errno.errorcode.get(code, str(code))

calls = {}
NAMESPACES = {'user': 0x10000000, 'mount': 0x20000, 'pid': 0x20000000, 'net': 0x40000000, 'ipc': 0x8000000, 'uts': 0x4000000, 'cgroup': 0x2000000, 'time': 0x80}
def in_child(run):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try: os.write(write, str(run()).encode())
        finally: os._exit(0)
    os.close(write)
    answer = os.read(read, 20).decode()
    os.close(read)
    os.waitpid(pid, 0)
    return int(answer) if answer else -1
for name, flag in NAMESPACES.items():
    calls['unshare(' + name + ')'] = name_of(in_child(lambda: call('unshare', flag)))
def cloned(*args):
    ctypes.set_errno(0)
    pid = libc.syscall(*args)
    if pid == 0: os._exit(0)
    return 0 if pid > 0 else ctypes.get_errno()
USER = NAMESPACES['user']
calls['clone(user)'] = name_of(in_child(lambda: cloned(ctypes.c_long(number('clone')), ctypes.c_long(USER | signal.SIGCHLD), 0, 0, 0, 0)))
CLONE3_ARGS = ctypes.create_string_buffer(struct.pack('<11Q', USER, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, 0))
calls['clone3(user)'] = name_of(in_child(lambda: cloned(ctypes.c_long(435), CLONE3_ARGS, ctypes.c_long(88))))
calls['ptrace(attach, 1)'] = name_of(in_child(lambda: call('ptrace', 16, 1, 0, 0)))
PLAIN = [name for name in NUMBERS if name not in ('unshare', 'clone', 'clone3', 'ptrace')]
for name in PLAIN:
    if name == 'reboot': args = (0, 0, 0, 0)
    elif name in ('setns', 'kcmp', 'pidfd_getfd', 'finit_module', 'kexec_file_load', 'open_by_handle_at', 'io_uring_enter', 'io_uring_register', 'fsmount'): args = (-1, -1, -1, -1, -1)
    elif name in ('process_vm_readv', 'process_vm_writev'): args = (1, 0, 0, 0, 0, 0)
    elif name == 'syslog': args = (3, 0, 0)
    elif name in ('iopl', 'ioperm'): args = (3, 1, 1)
    elif name == 'userfaultfd': args = (0,)
    elif name in ('sethostname', 'setdomainname'): args = (8, 1)
    elif name in ('settimeofday', 'clock_settime'): args = (8, 8)
    elif name == 'acct': args = (8,)
    else: args = (0, 0, 0, 0, 0)
    calls[name] = name_of(in_child(lambda: call(name, *args)))

families = {}
for family in range(0, 46):
    for kind in (1, 2, 3, 5):
        try:
            socket.socket(family, kind, 0).close()
            families.setdefault(family, []).append(kind)
        except OSError:
            pass
netlink = []
for protocol in range(0, 23):
    try:
        socket.socket(16, 3, protocol).close()
        netlink.append(protocol)
    except OSError:
        pass

def become_root():
    try:
        os.setuid(0)
        return 0
    except OSError as error:
        return error.errno
print(json.dumps({
  'calls': calls,
  'families': {str(family): kinds for family, kinds in families.items()},
  'netlink': netlink,
  'setuid': name_of(in_child(become_root)),
  'uid': os.getuid(), 'euid': os.geteuid(), 'gid': os.getgid(), 'groups': os.getgroups(),
}))
`;
