import type { SandboxSpec } from './sandbox-backend.ts';
import type { SeccompProfile } from './seccomp-profile.ts';

export const AGENT_UID = 1000;
const MEBIBYTE = 1024 * 1024;
const TMP_BYTES = 64 * MEBIBYTE;

/** Labels by which our containers, volumes and images are found, and those of others left alone. */
export const LABELS = {
  ours: 'openlegion=1',
  installation: (installation: string) => `openlegion.installation=${installation}`,
} as const;

export function containerLabels(installation: string, agent: string): Record<string, string> {
  return { openlegion: '1', 'openlegion.installation': installation, 'openlegion.agent': agent };
}

/** What the backend adds to a spec; nothing in it comes from configuration or from an agent. */
export interface ContainerSettings {
  runtime: string | null;
  /** The profile, or the file on the engine's machine that it is in; null where there can be none. */
  seccomp: SeccompProfile | string | null;
  /**
   * The volume; null for a tmpfs. One that is not `owned` belongs to root: the engine gives it the owner of the image's
   * /data when it fills it, which costs a mount more at creation.
   */
  volume: { name: string; owned: boolean } | null;
  /** Put on at the start, for engines that cannot change it later. */
  cpusFromStart: boolean;
  /**
   * Podman's init is a package of its own, which Debian lacks: the image's is used. And it raises the number of
   * processes of the user to 1048576, which fails where the engine itself may not raise limits.
   */
  podman?: boolean;
  /** Engines before API 1.41 do not know private cgroup namespaces. */
  privateCgroupNamespace: boolean;
}

/** Files of the kernel that tell of, or reach, more than the container: the union of what engines mask by default. */
const MASKED_PATHS = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];
const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/**
 * The body of the engine's `create` call. The template is fixed: what would weaken it (binds, networks, devices,
 * capabilities, another user, privileges) has no parameter here.
 */
export function buildContainerBody(spec: SandboxSpec, settings: ContainerSettings): object {
  const tmpfsOptions = 'rw,nosuid,nodev';
  // Podman takes no owner for a tmpfs, but gives it to the container's user.
  const owner = settings.podman ? 'U' : `mode=0700,uid=${AGENT_UID},gid=${AGENT_UID}`;
  const dataBytes = spec.dataBytes ?? TMP_BYTES;
  return {
    Image: spec.image,
    ...(settings.podman && { Entrypoint: ['/usr/bin/tini', '--'] }),
    ...(spec.command && { Cmd: [...spec.command] }),
    Hostname: 'agent',
    User: `${AGENT_UID}:${AGENT_UID}`,
    WorkingDir: '/data',
    // The engine adds the image's own variables to these; the image is ours.
    Env: ['HOME=/data', 'LANG=C.UTF-8'],
    Labels: containerLabels(spec.installation, spec.agent),
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    StdinOnce: true,
    Tty: false,
    NetworkDisabled: true,
    HostConfig: {
      NetworkMode: 'none',
      ...(settings.runtime && { Runtime: settings.runtime }),
      CapDrop: ['ALL'],
      SecurityOpt: [
        'no-new-privileges',
        ...(settings.seccomp === null ? [] : [`seccomp=${seccompText(settings.seccomp)}`]),
      ],
      ReadonlyRootfs: true,
      Tmpfs: {
        '/tmp': `${tmpfsOptions},mode=1777,noexec,size=${TMP_BYTES}`,
        ...(settings.volume === null && {
          '/data': `${tmpfsOptions},${owner},size=${dataBytes}`,
        }),
        // Podman puts writable ones there by itself, of no fixed size, where nothing else is said.
        ...(settings.podman && { '/run': 'ro,nosuid,nodev,noexec', '/var/tmp': 'ro,nosuid,nodev,noexec' }),
      },
      ...(settings.volume !== null && {
        Mounts: [
          {
            Type: 'volume',
            Source: settings.volume.name,
            Target: '/data',
            VolumeOptions: { NoCopy: settings.volume.owned },
          },
        ],
      }),
      PidsLimit: spec.pids,
      Memory: spec.memoryBytes,
      MemorySwap: spec.memoryBytes,
      ...(settings.cpusFromStart && cpuLimit(spec.cpus)),
      ShmSize: 64 * MEBIBYTE,
      OomScoreAdj: 500,
      Ulimits: [
        { Name: 'nofile', Soft: 1024, Hard: 4096 },
        { Name: 'core', Soft: 0, Hard: 0 },
        { Name: 'fsize', Soft: dataBytes, Hard: dataBytes },
        ...(settings.podman ? [{ Name: 'nproc', Soft: 16_384, Hard: 16_384 }] : []),
      ],
      Init: !settings.podman,
      LogConfig: { Type: 'none' },
      IpcMode: 'private',
      ...(settings.privateCgroupNamespace && { CgroupnsMode: 'private' }),
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
      Privileged: false,
      MaskedPaths: MASKED_PATHS,
      ReadonlyPaths: READONLY_PATHS,
    },
  };
}

function seccompText(seccomp: SeccompProfile | string): string {
  return typeof seccomp === 'string' ? seccomp : JSON.stringify(seccomp);
}

/** The processor limit as the engine takes it, also for its `update` call. */
export function cpuLimit(cpus: number): { NanoCpus: number } {
  return { NanoCpus: Math.round(cpus * 1_000_000_000) };
}

/** An agent's private volume. The installation is in the name so that two of them never share one. */
export function volumeName(installation: string, agent: string): string {
  return `openlegion_data_${agent}_${installation}`;
}
