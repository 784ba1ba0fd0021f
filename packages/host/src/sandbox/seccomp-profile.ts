import { ALLOWED_SYSCALLS } from './seccomp-syscalls.ts';

const EPERM = 1;
const ENOSYS = 38;

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const NETLINK_ROUTE = 0;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET; NEWTIME exists in clone3 and unshare alone. */
const CLONE_NAMESPACES = 0x7e020000;
const PER_LINUX = 0;
const PERSONALITY_QUERY = 0xffffffff;

interface Argument {
  index: number;
  op: 'SCMP_CMP_EQ' | 'SCMP_CMP_MASKED_EQ';
  value: number;
  valueTwo?: number;
}

interface Rule {
  names: readonly string[];
  action: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO';
  errnoRet?: number;
  args?: readonly Argument[];
}

export interface SeccompProfile {
  defaultAction: 'SCMP_ACT_ERRNO';
  defaultErrnoRet: number;
  architectures: readonly string[];
  syscalls: readonly Rule[];
}

/** As engines name architectures. A container of another one has no filter that fits, so none is started. */
const SECCOMP_ARCHITECTURES = new Map([
  ['x86_64', 'SCMP_ARCH_X86_64'],
  ['amd64', 'SCMP_ARCH_X86_64'],
  ['aarch64', 'SCMP_ARCH_AARCH64'],
  ['arm64', 'SCMP_ARCH_AARCH64'],
]);

/**
 * The filter for a container, in the form that Docker's API takes. Only the 64-bit architecture is listed: a 32-bit
 * or x32 call kills its caller, so `socketcall` and its like are no way around. Null for an architecture that is not
 * supported.
 */
export function createSeccompProfile(architecture: string): SeccompProfile | null {
  const seccompArchitecture = SECCOMP_ARCHITECTURES.get(architecture);
  if (!seccompArchitecture) return null;
  const socketFamily = (family: number, ...more: Argument[]): Rule => ({
    names: ['socket'],
    action: 'SCMP_ACT_ALLOW',
    args: [{ index: 0, op: 'SCMP_CMP_EQ', value: family }, ...more],
  });
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: EPERM,
    architectures: [seccompArchitecture],
    syscalls: [
      { names: Object.values(ALLOWED_SYSCALLS).flat(), action: 'SCMP_ACT_ALLOW' },
      socketFamily(AF_UNIX),
      socketFamily(AF_INET),
      socketFamily(AF_INET6),
      // Node, git and Chromium ask the kernel for the list of interfaces over it.
      socketFamily(AF_NETLINK, { index: 2, op: 'SCMP_CMP_EQ', value: NETLINK_ROUTE }),
      {
        names: ['socketpair'],
        action: 'SCMP_ACT_ALLOW',
        args: [{ index: 0, op: 'SCMP_CMP_EQ', value: AF_UNIX }],
      },
      {
        names: ['clone'],
        action: 'SCMP_ACT_ALLOW',
        args: [{ index: 0, op: 'SCMP_CMP_MASKED_EQ', value: CLONE_NAMESPACES, valueTwo: 0 }],
      },
      // Its flags are behind a pointer that a filter cannot read. "No such call" makes libc use clone instead.
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
      ...[PER_LINUX, PERSONALITY_QUERY].map(
        (value): Rule => ({
          names: ['personality'],
          action: 'SCMP_ACT_ALLOW',
          args: [{ index: 0, op: 'SCMP_CMP_EQ', value }],
        }),
      ),
    ],
  };
}
