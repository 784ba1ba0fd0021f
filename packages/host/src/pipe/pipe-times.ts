/** The waits of a pipe, in milliseconds; `PIPE_LIMITS` in the product. */
export interface PipeTimes {
  handshakeTimeoutMs: number;
  headersTimeoutMs: number;
  idleTimeoutMs: number;
}
