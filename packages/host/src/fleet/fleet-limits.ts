/** How long, how often and how much, for one agent. */
export const FLEET_LIMITS = {
  probeEveryMs: 30_000,
  probeTimeoutMs: 5_000,
  /** Probes in a row without an answer. */
  probeFailures: 3,
  /** Probes in a row that find the agent busy without progress and without a model call on its way: ten minutes. */
  stalledProbes: 20,
  restartsPerHour: 3,
  /** Doubles with each end in the last hour. */
  firstBackoffMs: 1000,
  clampAfterMs: 2000,
  stopGraceMs: 5000,
  /** How long an agent may take to end a turn it was told to cancel. */
  cancelGraceMs: 10_000,
  /** How long after a cut-off turn the end of its agent is waited for, to name it as the reason. */
  endAfterTurnMs: 500,
  /** How long a message waits, each time, for a disk that took nothing or an engine that is away. */
  machineRetryMs: 2000,
  turnBytes: 64 * 1024 * 1024,
  /** An event's text may be 256 K characters, and each may take six bytes as JSON escapes it. */
  turnLineBytes: 2 * 1024 * 1024,
} as const;
