import { z } from 'zod';

/**
 * The parts of the engine's answers that are used. Objects are loose because every engine adds fields of its own;
 * what is named here is held to its type.
 */
export const EngineVersion = z.object({
  Version: z.string().default(''),
  ApiVersion: z.string().default(''),
  Arch: z.string().default(''),
  Os: z.string().default(''),
  KernelVersion: z.string().default(''),
  Components: z
    .array(z.object({ Name: z.string(), Version: z.string().default('') }))
    .nullish()
    .transform((components) => components ?? []),
});
export type EngineVersion = z.infer<typeof EngineVersion>;

export const EngineInfo = z.object({
  OperatingSystem: z.string().default(''),
  Architecture: z.string().default(''),
  KernelVersion: z.string().default(''),
  Name: z.string().default(''),
  MemTotal: z.number().default(0),
  DockerRootDir: z.string().default(''),
  CgroupVersion: z.string().default('1'),
  CgroupDriver: z.string().default(''),
  MemoryLimit: z.boolean().default(false),
  SwapLimit: z.boolean().default(false),
  PidsLimit: z.boolean().default(false),
  CpuCfsQuota: z.boolean().default(false),
  DefaultRuntime: z.string().default('runc'),
  /** Name and, where the engine tells them, how it calls the runtime. */
  Runtimes: z
    .record(
      z.string(),
      z
        .object({ path: z.string().default(''), runtimeArgs: z.array(z.string()).nullish() })
        .catch({ path: '' }),
    )
    .nullish()
    .transform((runtimes) =>
      Object.entries(runtimes ?? {}).map(([name, { path, runtimeArgs }]) => ({
        name,
        path,
        args: runtimeArgs ?? [],
      })),
    ),
  SecurityOptions: z
    .array(z.string())
    .nullish()
    .transform((options) => options ?? []),
});
export type EngineInfo = z.infer<typeof EngineInfo>;

export const CreatedContainer = z.object({ Id: z.string().min(12) });
export const WaitAnswer = z.object({ StatusCode: z.number() });

export const ContainerState = z.object({
  State: z.object({
    Status: z.string().default(''),
    Running: z.boolean().default(false),
    OOMKilled: z.boolean().default(false),
    ExitCode: z.number().default(0),
    Error: z.string().default(''),
  }),
});
export type ContainerState = z.infer<typeof ContainerState>['State'];

export const ContainerList = z.array(
  z.object({
    Id: z.string(),
    Names: z
      .array(z.string())
      .nullish()
      .transform((names) => names ?? []),
    Image: z.string().default(''),
    State: z.string().default(''),
    Labels: z
      .record(z.string(), z.string())
      .nullish()
      .transform((labels) => labels ?? {}),
  }),
);
export type ContainerList = z.infer<typeof ContainerList>;

export const ContainerStats = z.object({
  memory_stats: z.object({ usage: z.number().default(0), stats: z.record(z.string(), z.number()).nullish() }),
  cpu_stats: z.object({ cpu_usage: z.object({ total_usage: z.number().default(0) }) }),
  pids_stats: z.object({ current: z.number().nullish() }).nullish(),
});
export type ContainerStats = z.infer<typeof ContainerStats>;

export const ImageInspection = z.object({
  Id: z.string(),
  RepoTags: z
    .array(z.string())
    .nullish()
    .transform((tags) => tags ?? []),
  Architecture: z.string().default(''),
  /** Its variables, `NAME=value`. */
  Config: z.object({ Env: z.array(z.string()).nullish() }).nullish(),
});
export type ImageInspection = z.infer<typeof ImageInspection>;

export const ImageList = z.array(
  z.object({
    Id: z.string(),
    /** Seconds since 1970. */
    Created: z.number().default(0),
    RepoTags: z
      .array(z.string())
      .nullish()
      .transform((tags) => tags ?? []),
  }),
);
export type ImageList = z.infer<typeof ImageList>;

export const Volume = z.object({
  Name: z.string(),
  Mountpoint: z.string().default(''),
  Options: z
    .record(z.string(), z.string())
    .nullish()
    .transform((options) => options ?? {}),
  Labels: z
    .record(z.string(), z.string())
    .nullish()
    .transform((labels) => labels ?? {}),
});
export type Volume = z.infer<typeof Volume>;

export const VolumeList = z.object({
  Volumes: z
    .array(Volume)
    .nullish()
    .transform((volumes) => volumes ?? []),
});

export const DiskUse = z.object({
  Volumes: z
    .array(
      z.object({
        Name: z.string(),
        UsageData: z
          .object({ Size: z.number() })
          .nullish()
          .transform((usage) => usage ?? { Size: -1 }),
      }),
    )
    .nullish()
    .transform((volumes) => volumes ?? []),
});

/** One line of the progress of a build, an import or a pull. */
export const ProgressLine = z.object({
  stream: z.string().optional(),
  status: z.string().optional(),
  error: z.string().optional(),
  aux: z.object({ ID: z.string().optional() }).optional(),
});
export type ProgressLine = z.infer<typeof ProgressLine>;
