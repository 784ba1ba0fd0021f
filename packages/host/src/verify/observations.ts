import { z } from 'zod';

/*
 * What the probe reports, as it comes out of a container. The image is ours, the container may not be what it seems:
 * everything is bounded.
 */
const Text = z.string().max(65_536);
const Short = z.string().max(500);
const Count = z.number().nonnegative();

export const Processes = z.object({ processes: z.array(z.record(z.string(), Short)).max(5000) });
export type Processes = z.infer<typeof Processes>;

export const Environments = z.object({
  processes: z
    .array(z.object({ pid: z.int(), environ: z.union([z.array(Text), Short]), cmdline: Text }))
    .max(5000),
});
export type Environments = z.infer<typeof Environments>;

export const Mounts = z.object({ mountinfo: z.string().max(262_144), uidMap: z.string().max(1000) });
export type Mounts = z.infer<typeof Mounts>;

export const Files = z.object({
  files: Count,
  sockets: z.array(Text),
  setuid: z.array(Text),
  devices: z.array(Text),
  unix: z.array(Text),
  sensitive: z.array(z.object({ path: Short, result: Short, bytes: Count })),
});
export type Files = z.infer<typeof Files>;

const Attempts = z.array(z.object({ path: Short, result: Short }));
export const Writes = z.object({ directories: Attempts, files: Attempts });
export type Writes = z.infer<typeof Writes>;

export const Network = z.object({ devices: Text, routes: Text, routes6: Text, resolver: Text });
export type Network = z.infer<typeof Network>;

const Reached = z.array(z.object({ host: Short, port: z.int(), result: Short }));
export const Outbound = z.object({
  tcp: Reached,
  udp: Reached,
  names: z.array(z.object({ name: Short, result: Short })),
});
export type Outbound = z.infer<typeof Outbound>;

export const Kernel = z.object({
  calls: z.record(z.string(), Short),
  families: z.record(z.string(), z.array(z.int())),
  netlink: z.array(z.int()),
  setuid: Short,
  uid: z.int(),
  euid: z.int(),
  gid: z.int(),
  groups: z.array(z.int()),
});
export type Kernel = z.infer<typeof Kernel>;

const Findings = z.array(z.object({ place: Text, form: Short })).max(100);
export const Secrets = z.object({
  found: Findings,
  control: Findings,
  counts: z.object({ files: Count, bytes: Count, processes: Count, memories: Count, memoryBytes: Count }),
  unreadable: z.array(Text).max(50),
});
export type Secrets = z.infer<typeof Secrets>;

export const MeshAnswers = z.object({
  answers: z.array(z.object({ status: z.int(), body: z.string().max(5000), error: Short })),
});
export type MeshAnswers = z.infer<typeof MeshAnswers>;

export const EgressAnswers = z.object({
  answers: z
    .array(
      z.object({
        /** What the proxy answered before TLS. */
        proxy: Text,
        /** `verified` when the certificate was. */
        tls: Short,
        issuer: Short,
        /** What came back inside. */
        answer: Text,
        error: Short,
      }),
    )
    .max(500),
});
export type EgressAnswers = z.infer<typeof EgressAnswers>;

export const Forks = z.object({ started: Count, failure: Short });
export type Forks = z.infer<typeof Forks>;
export const MemoryTaken = z.object({ megabytes: Count, ended: z.string().max(2000) });
export type MemoryTaken = z.infer<typeof MemoryTaken>;
export const DiskFilled = z.object({
  directories: z.array(z.object({ path: Short, bytes: Count, failure: Short })),
});
export type DiskFilled = z.infer<typeof DiskFilled>;
export const FilesOpened = z.object({ opened: Count, failure: Short });
export type FilesOpened = z.infer<typeof FilesOpened>;
export const Spun = z.object({ cpuMs: Count, wallMs: Count });
