import type { ClientHttp2Stream, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Readable, Writable } from 'node:stream';

/** A request of the host on the outer session. */
export interface HostRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  stream: ServerHttp2Stream;
}

export interface MeshCall {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  signal?: AbortSignal;
}

export interface MeshAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Readable;
}

/** The agent's end of the pipe: what it may ask of the mesh. */
export interface MeshClient {
  /** Waits for the inner session where the host has not opened it yet. Resolves with any status. */
  call(call: MeshCall): Promise<MeshAnswer>;
}

/**
 * Opens one `CONNECT egress`: a connection to the outside for one program. It is given before its answer; `response`
 * says whether the mesh took it. Rejects when the pipe has ended.
 */
export type EgressDialler = () => Promise<ClientHttp2Stream>;

/** `serve-pipe.ts` provides this. `closed` resolves at end of input: the agent then stops. */
export type ServePipe = (options: {
  input: Readable;
  output: Writable;
  handle: (request: HostRequest) => Promise<void>;
}) => { mesh: MeshClient; dialEgress: EgressDialler; closed: Promise<void> };
