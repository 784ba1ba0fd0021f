/**
 * The system calls that Node, Chromium, git, Python and curl make, by what they are for. Everything else is refused
 * with EPERM. Names that an architecture lacks are ignored by the engine.
 *
 * Left out on purpose, beside all that needs a capability: io_uring (its operations pass by this filter), bpf,
 * userfaultfd and perf_event_open (exploitation tools), the keyrings (not namespaced), ptrace and process_vm_*
 * (nothing of ours debugs; they are a large attack surface, and a program that can use them can rewrite its siblings),
 * pidfd_getfd and kcmp (the same), unshare, setns and the whole mount API, vmsplice, the AIO calls, SysV messages,
 * modify_ldt, name_to_handle_at, quotactl, syslog, and clone3 (see `seccomp-profile.ts`).
 */
export const ALLOWED_SYSCALLS: Readonly<Record<string, readonly string[]>> = {
  files: `access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2
    fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr
    flock fremovexattr fsetxattr fstat fstatfs fsync ftruncate futimesat getcwd getdents getdents64 getxattr
    lchown lgetxattr link linkat listxattr llistxattr lremovexattr lseek lsetxattr lstat mkdir mkdirat mknod
    mknodat newfstatat open openat openat2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead
    readlink readlinkat readv removexattr rename renameat renameat2 rmdir sendfile setxattr splice stat statfs
    statx symlink symlinkat sync sync_file_range syncfs tee truncate umask unlink unlinkat utime utimensat
    utimes write writev`.split(/\s+/),
  memory:
    `brk get_mempolicy madvise membarrier memfd_create mincore mlock mlock2 mlockall mmap mprotect mremap
    msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect remap_file_pages shmat shmctl shmdt
    shmget`.split(/\s+/),
  processes: `arch_prctl execve execveat exit exit_group fork get_robust_list getegid geteuid getgid getgroups
    getpgid getpgrp getpid getppid getpriority getresgid getresuid getrlimit getrusage getsid gettid getuid
    kill landlock_add_rule landlock_create_ruleset landlock_restrict_self pidfd_open pidfd_send_signal prctl
    prlimit64 restart_syscall rseq sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr
    sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam
    sched_setscheduler sched_yield seccomp set_robust_list set_tid_address setfsgid setfsuid setgid setgroups
    setpgid setpriority setregid setresgid setresuid setreuid setrlimit setsid setuid sysinfo tgkill times tkill
    uname vfork wait4 waitid getcpu capget capset ioprio_get ioprio_set`.split(/\s+/),
  signals: `alarm pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
    rt_sigtimedwait rt_tgsigqueueinfo sigaltstack`.split(/\s+/),
  time: `clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep setitimer time timer_create
    timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime
    timerfd_settime`.split(/\s+/),
  waiting: `epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 futex
    futex_wait futex_waitv futex_wake inotify_add_watch inotify_init inotify_init1 inotify_rm_watch ioctl pipe
    pipe2 poll ppoll pselect6 select semctl semget semop semtimedop signalfd signalfd4`.split(/\s+/),
  sockets: `accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg
    sendmmsg sendmsg sendto setsockopt shutdown`.split(/\s+/),
  other: ['getrandom'],
};
