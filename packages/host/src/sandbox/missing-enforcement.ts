import { basename } from 'node:path';
import type { EngineInfo } from '../engine/engine-answers.ts';
import type { SandboxCapabilities } from './sandbox-backend.ts';

/** A runtime's name, or its program's. */
export const GVISOR = /^(?:io\.containerd\.)?(?:runsc|gvisor)/;

type Missing = SandboxCapabilities['cannotEnforce'][number];

/**
 * What an engine with a runtime cannot hold an agent to, from what the engine says of itself and what is known of
 * the runtimes. The contract suite tries each: what is listed must be missing, and what is not must hold.
 */
export function missingEnforcement(
  flavour: 'docker' | 'podman',
  engineVersion: string,
  info: EngineInfo,
  runtime: string,
): Missing[] {
  const missing: Missing[] = [];
  const add = (enforcement: Missing['enforcement'], why: string) => {
    if (!missing.some((known) => known.enforcement === enforcement)) missing.push({ enforcement, why });
  };
  const registered = info.Runtimes.find(({ name }) => name === runtime);
  if (GVISOR.test(runtime) || (registered && GVISOR.test(basename(registered.path)))) {
    add('seccomp_profile', 'gVisor answers system calls itself, in its own kernel, and ignores the profile');
    add(
      'kernel_view',
      'gVisor shows a kernel of its own: no ambient mask, no nosuid or nodev, and its own virtual /dev/fuse and /dev/net/tun',
    );
    if (registered?.args.includes('--ignore-cgroups')) {
      for (const limit of ['memory_limit', 'pids_limit', 'cpu_limit', 'cpu_clamp_after_start'] as const)
        add(limit, 'this gVisor is registered with --ignore-cgroups');
    }
  } else if (!info.SecurityOptions.some((option) => option.includes('seccomp'))) {
    add('seccomp_profile', 'the engine or its kernel has no seccomp');
  }
  const kernel = 'the kernel of the engine’s machine has this cgroup controller switched off';
  if (!info.MemoryLimit) add('memory_limit', kernel);
  if (!info.PidsLimit) add('pids_limit', kernel);
  if (!info.CpuCfsQuota) add('cpu_limit', kernel);
  if (flavour === 'podman' && Number(engineVersion.split('.')[0]) < 5) {
    add('cpu_clamp_after_start', `Podman ${engineVersion} has no call that changes a running container`);
  }
  if (!info.SecurityOptions.some((option) => /name=(userns|rootless)/.test(option))) {
    add('user_namespace', 'the engine runs as root and maps no user ids');
  }
  return missing;
}
