import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Readable, Writable } from 'node:stream';

/** A request of the host on the outer session. */
export interface HostRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  stream: ServerHttp2Stream;
}

export interface MeshCall {
  method: 'GET' | 'POST';
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

/** `serve-pipe.ts` provides this. `closed` resolves at end of input: the agent then stops. */
export type ServePipe = (options: {
  input: Readable;
  output: Writable;
  handle: (request: HostRequest) => Promise<void>;
}) => { mesh: MeshClient; closed: Promise<void> };
