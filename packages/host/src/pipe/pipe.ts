import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Readable } from 'node:stream';

/** Sizes and times that bound what one agent can make the host hold. */
export const PIPE_LIMITS = {
  streamWindowBytes: 256 * 1024,
  sessionWindowBytes: 1024 * 1024,
  /** For one artifact at a time. */
  largeWindowBytes: 16 * 1024 * 1024,
  concurrentStreams: 64,
  headerListBytes: 16 * 1024,
  headerPairs: 64,
  /** How long a request may wait for its answer's headers, where the caller does not say. */
  headersTimeoutMs: 10_000,
  /** How long any stream may be without a byte in either direction. */
  idleTimeoutMs: 10 * 60_000,
  handshakeTimeoutMs: 20_000,
} as const;

export interface PipeRequest {
  method: 'GET' | 'POST' | 'PUT';
  path: string;
  body?: string | Buffer;
  headersTimeoutMs?: number;
  /** A body larger than this ends the stream with `too_large`. Default 1 MiB. */
  maxBodyBytes?: number;
  /** Bulk bytes: the answer gets the large window, where no other artifact of this pipe has it at the moment. */
  artifact?: boolean;
  signal?: AbortSignal;
}

export interface PipeResponse {
  status: number;
  headers: IncomingHttpHeaders;
  /** Errors with `too_large` beyond `maxBodyBytes`, with `deadline_exceeded` after `idleTimeoutMs` without a byte. */
  body: Readable;
  text(): Promise<string>;
  /** Unparsed: the caller holds it to a schema. A body that is not JSON throws `upstream_failed`. */
  json(): Promise<unknown>;
}

export interface PipeEnd {
  /** `closed`: we did. `ended`: the byte stream ended. `protocol`: garbage on the wire, or a limit of HTTP/2. */
  cause: 'closed' | 'ended' | 'protocol';
  reason: string;
}

/** The host's end of the pipe: requests to the agent; those the agent makes arrive at the `MeshHandler`. */
export interface Pipe {
  /** Resolves with any status. Throws OpenLegionError: `unavailable` when the pipe has ended, `deadline_exceeded`. */
  request(request: PipeRequest): Promise<PipeResponse>;
  readonly closed: Promise<PipeEnd>;
  close(reason: string): void;
}

/** A request of the agent on the inner session. Its identity is the pipe it came through, nothing in it. */
export interface MeshRequest {
  method: string;
  /** Begins with a slash; of CONNECT, which has no path, it is the authority. */
  path: string;
  headers: IncomingHttpHeaders;
  stream: ServerHttp2Stream;
}

/** Must answer or close the stream; what it throws is answered as a refusal of its code. */
export type MeshHandler = (request: MeshRequest) => Promise<void>;

/** `connect-pipe.ts` provides this: resolves when both sessions stand, rejects (and destroys `bytes`) when not. */
export type ConnectPipe = (options: {
  bytes: import('node:stream').Duplex;
  handle: MeshHandler;
}) => Promise<Pipe>;
