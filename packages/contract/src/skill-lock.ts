import { z } from 'zod';
import { WorkspacePath } from './agent-api.ts';
import { AgentName } from './agent-name.ts';

export const SkillName = z
  .string()
  .max(64)
  .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, 'lower case letters, digits and single hyphens');
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What was approved: where it came from, and the content of every file. */
export const LockedSkill = z.strictObject({
  /** An https address of a git repository, or the path it was copied from. */
  source: z.string().max(2000),
  /** The branch, tag or commit that was asked for; null for the default branch, and for a path. */
  ref: z.string().max(200).nullable(),
  /** The full commit; null for a path. */
  commit: z
    .string()
    .regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/)
    .nullable(),
  /** The folder of the source that was taken; empty for all of it. */
  folder: z.string().max(300),
  /** SHA-256 of all paths with the hashes of their content. */
  hash: Sha256,
  files: z.record(WorkspacePath, Sha256),
  /** To whom it is given. */
  agents: z.array(AgentName).max(1000),
  approvedAt: z.string().max(40),
});
export type LockedSkill = z.infer<typeof LockedSkill>;

/** `config/skills.lock.json`: what is not in it, or differs from it, is given to no agent. */
export const SkillLock = z.strictObject({
  version: z.literal(1),
  skills: z.record(SkillName, LockedSkill),
});
export type SkillLock = z.infer<typeof SkillLock>;

/** What a skill asks for, as far as its text says; what it does is decided by what its agents are granted. */
export const SkillReport = z.object({
  name: SkillName,
  source: z.string(),
  ref: z.string().nullable(),
  commit: z.string().nullable(),
  folder: z.string(),
  hash: Sha256,
  /** To whom it will be given. */
  agents: z.array(z.string()),
  files: z.array(z.object({ path: z.string(), bytes: z.int() })),
  packs: z.array(z.object({ name: z.string(), description: z.string() })),
  tools: z.array(z.string()),
  scripts: z.array(z.string()),
  hosts: z.array(z.string()),
  variables: z.array(z.string()),
  credentials: z.array(z.string()),
  /** What a reviewer should look at: install scripts, files that are no text, characters that cannot be seen. */
  warnings: z.array(z.string()),
  /** Against the version that is approved now; null where there is none. */
  changes: z
    .object({ added: z.array(z.string()), changed: z.array(z.string()), removed: z.array(z.string()) })
    .nullable(),
});
export type SkillReport = z.infer<typeof SkillReport>;

/** One installed skill, compared with what was approved. */
export const SkillState = z.object({
  name: SkillName,
  source: z.string(),
  commit: z.string().nullable(),
  hash: z.string(),
  agents: z.array(z.string()),
  approvedAt: z.string(),
  /** Null where it is as it was approved. */
  problem: z.string().nullable(),
  changes: z.object({
    added: z.array(z.string()),
    changed: z.array(z.string()),
    removed: z.array(z.string()),
  }),
});
export type SkillState = z.infer<typeof SkillState>;

/** The first line of the program that looks after skills (`host/src/skill-main.ts`), on its standard input. */
export const SkillOrder = z.discriminatedUnion('do', [
  z.strictObject({
    do: z.literal('install'),
    home: z.string(),
    source: z.string().min(1).max(2000),
    ref: z.string().max(200).nullable(),
    folder: z.string().max(300),
    name: z.string().max(64).nullable(),
    agents: z.array(z.string().max(63)).max(1000),
  }),
  z.strictObject({ do: z.literal('remove'), home: z.string(), name: z.string().max(200) }),
  z.strictObject({ do: z.literal('list'), home: z.string() }),
]);
export type SkillOrder = z.infer<typeof SkillOrder>;

/** What it answers, one line each; `report` is answered with a line `yes` or anything else. */
export const SkillLine = z.discriminatedUnion('type', [
  z.object({ type: z.literal('progress'), text: z.string() }),
  z.object({ type: z.literal('report'), report: SkillReport }),
  z.object({
    type: z.literal('installed'),
    name: z.string(),
    state: z.enum(['installed', 'kept', 'declined']),
  }),
  z.object({ type: z.literal('removed'), name: z.string() }),
  z.object({ type: z.literal('list'), skills: z.array(SkillState) }),
  z.object({ type: z.literal('failed'), rule: z.string(), message: z.string(), remedy: z.string() }),
]);
export type SkillLine = z.infer<typeof SkillLine>;
