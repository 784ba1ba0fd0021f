import { z } from 'zod';
import { JsonValue } from './json-value.ts';

/**
 * What an agent asks of the blackboard of its team (of the fleet's where it has no team):
 *
 * | method and path               | body             | answer                          | permission       |
 * |-------------------------------|------------------|---------------------------------|------------------|
 * | POST /mesh/blackboard/get     | BlackboardGet    | BlackboardVersion               | blackboard_read  |
 * | POST /mesh/blackboard/list    | BlackboardList   | BlackboardPage, granted keys    | blackboard_read  |
 * | POST /mesh/blackboard/set     | BlackboardSet    | BlackboardWritten               | blackboard_write |
 * | POST /mesh/blackboard/delete  | BlackboardDelete | BlackboardWritten               | blackboard_write |
 * | POST /mesh/blackboard/history | BlackboardHistory| BlackboardVersions, newest first| blackboard_read  |
 * | POST /mesh/blackboard/watch   | BlackboardWatch  | lines of BlackboardVersion      | blackboard_read  |
 *
 * Versions of a key only ever grow, also over its deletion. Under `history/` there is only appending: no version is
 * changed, deleted, let expire, undone or collected.
 */
const Key = z.string().min(1).max(512);
const Prefix = z.string().max(512).default('');
/** The version that must be current for the change to be made; 0: there must be none. */
const IfVersion = z.int().nonnegative().optional();
const Limit = z.int().min(1).max(500).default(100);

export const BlackboardGet = z.strictObject({ key: Key });
export type BlackboardGet = z.infer<typeof BlackboardGet>;

/** `after`: the last key of the page before. */
export const BlackboardList = z.strictObject({ prefix: Prefix, after: Key.optional(), limit: Limit });
export type BlackboardList = z.infer<typeof BlackboardList>;

export const BlackboardSet = z.strictObject({
  key: Key,
  value: JsonValue,
  ifVersion: IfVersion,
  /** From 1 second to 366 days; without it the value stays. */
  ttlMs: z
    .int()
    .min(1000)
    .max(366 * 86_400_000)
    .optional(),
});
export type BlackboardSet = z.infer<typeof BlackboardSet>;

export const BlackboardDelete = z.strictObject({ key: Key, ifVersion: IfVersion });
export type BlackboardDelete = z.infer<typeof BlackboardDelete>;

/** `before`: the lowest version of the page before. */
export const BlackboardHistory = z.strictObject({
  key: Key,
  before: z.int().positive().optional(),
  limit: Limit,
});
export type BlackboardHistory = z.infer<typeof BlackboardHistory>;

/** `after`: the `seq` of the last change seen; only what comes from now on where absent. */
export const BlackboardWatch = z.strictObject({ prefix: Prefix, after: z.int().nonnegative().optional() });
export type BlackboardWatch = z.infer<typeof BlackboardWatch>;

/** For an operator only: makes an earlier version, by default the last but one, current again as a new version. */
export const BlackboardUndo = z.strictObject({ key: Key, toVersion: z.int().nonnegative().optional() });
export type BlackboardUndo = z.infer<typeof BlackboardUndo>;

const About = {
  key: z.string(),
  version: z.int().positive(),
  /** Grows with every change of the whole blackboard: the order in which a watch tells them. */
  seq: z.int().positive(),
  /** An agent's name, `operator:…`, `workflow:…` or `host`. */
  writer: z.string(),
  traceId: z.string(),
  at: z.string(),
  expiresAt: z.string().nullable(),
};

/** A `set` that has expired is told as `expired`; `value` is then null, as for a deletion. */
export const BlackboardVersion = z.object({
  ...About,
  change: z.enum(['set', 'deleted', 'expired']),
  value: JsonValue,
});
export type BlackboardVersion = z.infer<typeof BlackboardVersion>;

export const BlackboardWritten = z.object({ key: z.string(), version: z.int().positive() });
export type BlackboardWritten = z.infer<typeof BlackboardWritten>;

/** `next` is the `after` that continues; null at the end. A page may be shorter than asked for, also empty. */
export const BlackboardPage = z.object({
  entries: z.array(z.object({ ...About, bytes: z.int() })),
  next: z.string().nullable(),
});
export type BlackboardPage = z.infer<typeof BlackboardPage>;

export const BlackboardVersions = z.object({
  versions: z.array(BlackboardVersion),
  /** The `before` that continues; null at the end. */
  next: z.int().nullable(),
});
export type BlackboardVersions = z.infer<typeof BlackboardVersions>;
