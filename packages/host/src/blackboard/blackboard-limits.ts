/** What the blackboard takes and keeps. Bytes are of the value as JSON in UTF-8. */
export const BLACKBOARD_LIMITS = {
  valueBytes: 256 * 1024,
  /** What one agent's entries and their kept versions may take, each counted with its key and `versionBytes`. */
  writerBytes: 32 * 1024 * 1024,
  versionBytes: 200,
  /** Versions kept of one key, the current one included; under `history/` all are. */
  keptVersions: 20,
  /** How long versions that are no longer current are kept for undo. */
  keepMs: 24 * 3_600_000,
  /** How long a deletion is told to a watch that continues. */
  keepDeletionsMs: 3_600_000,
  watchesOfOne: 16,
  /** Bytes of values in one page of versions. */
  pageBytes: 1024 * 1024,
  /** Rows that one turn of collecting changes. */
  collectRows: 500,
} as const;

export type BlackboardLimits = { readonly [Name in keyof typeof BLACKBOARD_LIMITS]: number };
