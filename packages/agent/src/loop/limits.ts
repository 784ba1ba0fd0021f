/** Bounds of one turn, agent-enforced: they keep an honest model on course; a hostile agent is held by the host. */
export const LOOP_LIMITS = {
  toolRoundsPerTurn: 30,
  toolRoundsPerSession: 200,
  /** Rounds in a row in which no call had arguments that could be used. */
  malformedRounds: 3,
  /** Tool calls of one answer; more are refused as results. */
  callsPerRound: 32,
  concurrentCalls: 8,
  /** Characters of a tool's output that the model is shown. */
  outputChars: 30_000,
  /** Characters of a tool call's arguments. */
  inputChars: 2_000_000,
  /** Characters of one delta event. */
  deltaChars: 32 * 1024,
  previewChars: 4_000,
  argumentsChars: 8_000,
  replyChars: 256 * 1024,
} as const;
