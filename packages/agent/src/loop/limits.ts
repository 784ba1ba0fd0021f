/** Bounds of one turn, agent-enforced: they keep an honest model on course; a hostile agent is held by the host. */
export const LOOP_LIMITS = {
  /** Of `chat`: rounds of tool calls; one more answer is asked for behind the last. */
  toolRoundsPerTurn: 30,
  toolRoundsPerSession: 200,
  /** Of the other modes: model calls, the last answer's included. */
  iterations: { task: 20, heartbeat: 12, subagent: 10 },
  /** How often an answer that was cut by its limit of tokens is continued. */
  continuations: 5,
  /** How often a prompt that was too much for the model is made smaller, in one turn. */
  overflows: 2,
  /** How often a task's result that does not fit is asked for again. */
  resultRetries: 2,
  /** Characters of a task's result with its promotions. */
  resultChars: 200_000,
  /** Rounds in a row in which no call had arguments that could be used. */
  malformedRounds: 3,
  /** Tool calls of one answer; more are refused as results. */
  callsPerRound: 32,
  concurrentCalls: 8,
  /** Characters of a tool's output that the model is shown. */
  outputChars: 30_000,
  /** Pictures that a model is shown, the newest. */
  pictures: 4,
  /** Of one, and of all that are shown: the gateway takes 8 MiB of a call, where they are a third larger. */
  pictureBytes: 3 * 1024 * 1024,
  /** Wide or high: more is refused by Anthropic (docs, Vision), and with it the whole call. */
  picturePixels: 8000,
  /** Characters of a tool call's arguments. */
  inputChars: 2_000_000,
  /** Characters of one delta event. */
  deltaChars: 32 * 1024,
  previewChars: 4_000,
  argumentsChars: 8_000,
  replyChars: 256 * 1024,
} as const;
