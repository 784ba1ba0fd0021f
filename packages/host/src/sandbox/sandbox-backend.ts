import type { Duplex } from 'node:stream';

/** What a sandbox is started from. It is built by the host only, from a fixed template and checked configuration. */
export interface SandboxSpec {
  /** Short hash of the installation's home: the label by which leftovers are found and others' are left alone. */
  installation: string;
  agent: string;
  image: string;
  /** What runs in it; the image's own agent where absent. */
  command?: readonly string[];
  memoryBytes: number;
  cpus: number;
  pids: number;
  /** Size of the private volume at /data. `null`: no volume (a throw-away sandbox gets a tmpfs instead). */
  dataBytes: number | null;
}

/** What a backend may be unable to give; each is a promise that `verify` then reports as missing. */
export type Enforcement =
  | 'memory_limit'
  | 'pids_limit'
  | 'cpu_limit'
  | 'cpu_clamp_after_start'
  | 'disk_quota'
  | 'seccomp_profile'
  | 'user_namespace'
  /** That masks, mount options and devices, as the container sees them, are those of the machine's kernel. */
  | 'kernel_view';

export interface SandboxCapabilities {
  engine: string;
  engineVersion: string;
  /** `runc`, `runsc`, `crun` … */
  runtime: string;
  cannotEnforce: readonly { enforcement: Enforcement; why: string }[];
}

export interface SandboxExit {
  /** `stopped`: we asked. `exited`: it ended by itself. `killed`: from outside, or the kernel. `limit`: one of ours. */
  cause: 'stopped' | 'exited' | 'killed' | 'out_of_memory' | 'limit';
  exitCode: number;
  /** For people: which limit, and its bound. */
  reason: string;
  /** The last of what it wrote on standard error, at most 64 KiB. */
  stderr: string;
}

export interface SandboxStats {
  memoryBytes: number;
  cpuNanoseconds: number;
  pids: number;
}

/** One running container and the byte stream of its standard input and output. */
export interface Sandbox {
  readonly containerId: string;
  readonly pipe: Duplex;
  /** Resolves once, whatever the end was. */
  readonly exited: Promise<SandboxExit>;
  /** Puts the processor limit on. A failure stops the sandbox and throws. */
  clamp(): Promise<void>;
  stats(): Promise<SandboxStats>;
  /** What the engine says of the container, for evidence (`docker inspect`). */
  inspect(): Promise<unknown>;
  /** Ends it: closes its input, waits `graceMs`, kills, removes the container. Idempotent. */
  stop(graceMs: number): Promise<void>;
}

/** Where agents run. Every implementation passes `sandbox-contract.ts`. */
export interface SandboxBackend {
  capabilities(): Promise<SandboxCapabilities>;
  /** Creates, attaches and starts. When it throws or `signal` aborts, nothing is left behind. */
  start(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox>;
  /** Removes containers of this installation that no one holds (after a crash). Returns how many. */
  removeLeftovers(installation: string): Promise<number>;
  /** Removes an agent's private volume with everything in it. */
  removeVolume(installation: string, agent: string): Promise<void>;
}
