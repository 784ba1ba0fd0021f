import { z } from 'zod';

const Text = z.string().default('');
const Flag = z.boolean().default(false);
const Count = z.number().default(0);
const Pairs = z
  .record(z.string(), z.string())
  .nullish()
  .transform((pairs) => pairs ?? {});
/** Engines say `null` for an empty list, or nothing. */
function listOf<S extends z.ZodType>(item: S) {
  return z
    .array(item)
    .nullish()
    .transform((list) => list ?? []);
}

/**
 * The parts of the engine's answers that are used. Objects are loose because every engine adds fields of its own;
 * what is named here is held to its type.
 */
export const EngineVersion = z.object({
  Version: Text,
  KernelVersion: Text,
});
export type EngineVersion = z.infer<typeof EngineVersion>;

export const EngineInfo = z.object({
  Architecture: Text,
  KernelVersion: Text,
  Name: Text,
  MemTotal: Count,
  MemoryLimit: Flag,
  PidsLimit: Flag,
  CpuCfsQuota: Flag,
  DefaultRuntime: z.string().default('runc'),
  /** Name and, where the engine tells them, how it calls the runtime. */
  Runtimes: z
    .record(
      z.string(),
      z.object({ path: Text, runtimeArgs: listOf(z.string()) }).catch({ path: '', runtimeArgs: [] }),
    )
    .nullish()
    .transform((runtimes) =>
      Object.entries(runtimes ?? {}).map(([name, { path, runtimeArgs: args }]) => ({ name, path, args })),
    ),
  SecurityOptions: listOf(z.string()),
});
export type EngineInfo = z.infer<typeof EngineInfo>;

export const CreatedContainer = z.object({ Id: z.string().min(12) });
export const WaitAnswer = z.object({ StatusCode: z.number() });

export const ContainerState = z.object({
  State: z.object({
    OOMKilled: Flag,
  }),
});
export type ContainerState = z.infer<typeof ContainerState>['State'];

export const ContainerList = z.array(
  z.object({
    Id: z.string(),
    Names: listOf(z.string()),
    Labels: Pairs,
  }),
);
export type ContainerList = z.infer<typeof ContainerList>;

export const ContainerStats = z.object({
  memory_stats: z.object({ usage: Count, stats: z.record(z.string(), z.number()).nullish() }),
  cpu_stats: z.object({ cpu_usage: z.object({ total_usage: Count }) }),
  pids_stats: z.object({ current: z.number().nullish() }).nullish(),
});
export type ContainerStats = z.infer<typeof ContainerStats>;

export const ImageInspection = z.object({
  Id: z.string(),
  RepoTags: listOf(z.string()),
  Architecture: Text,
  /** Its variables, `NAME=value`. */
  Config: z.object({ Env: z.array(z.string()).nullish() }).nullish(),
});
export type ImageInspection = z.infer<typeof ImageInspection>;

export const ImageList = z.array(
  z.object({
    Id: z.string(),
    /** Seconds since 1970. */
    Created: Count,
    RepoTags: listOf(z.string()),
  }),
);
export type ImageList = z.infer<typeof ImageList>;

export const Volume = z.object({
  Name: z.string(),
  Options: Pairs,
  Labels: Pairs,
});
export type Volume = z.infer<typeof Volume>;

export const VolumeList = z.object({
  Volumes: listOf(Volume),
});

export const DiskUse = z.object({
  Volumes: listOf(z.object({ Name: z.string(), UsageData: z.object({ Size: z.number() }).nullish() })),
});

/** One line of the progress of a build, an import or a pull. */
export const ProgressLine = z.object({
  stream: z.string().optional(),
  status: z.string().optional(),
  error: z.string().optional(),
  aux: z.object({ ID: z.string().optional() }).optional(),
});
export type ProgressLine = z.infer<typeof ProgressLine>;
