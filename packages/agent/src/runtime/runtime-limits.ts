/** Bounds on another agent program, agent-enforced: they keep an honest one, or a broken one, from filling the disk. */
export const RUNTIME_LIMITS = {
  /** Characters of an answer that are kept and shown. What follows is read and left out. */
  answerChars: 250_000,
  /** Bytes of standard output for one message, after which the program is stopped. */
  outputBytes: 64 * 1024 * 1024,
  /** Bytes of one line where lines are the protocol. */
  lineBytes: 4 * 1024 * 1024,
  /** Characters of its last words on standard error that a failure shows. */
  errorChars: 1200,
  /** Tool calls of one turn that are recorded and shown. */
  toolCalls: 500,
  /** Bytes of one argument: what Linux takes. */
  argumentBytes: 131_071,
  /** How long a program may take to end after it was asked to. */
  stopMs: 1000,
  /** How long output is still waited for once the program has ended. */
  drainMs: 300,
  /** How long a server may take until it answers, and a program of the Agent Client Protocol until its session is open. */
  startMs: 120_000,
  /** How long a program of the Agent Client Protocol may take to end a turn that was cancelled. */
  cancelMs: 2000,
  /** The conversation that comes before a message. */
  turnsBefore: 20,
  charsBefore: 60_000,
} as const;
