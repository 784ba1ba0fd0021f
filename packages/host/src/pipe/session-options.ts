import type { ClientSessionOptions, ServerOptions, SessionOptions, Settings } from 'node:http2';
import { PIPE_LIMITS } from './pipe.ts';

/** What we announce, on both sessions. An agent that oversteps one of these ends its own stream or its own pipe. */
const SETTINGS: Settings = {
  enablePush: false,
  enableConnectProtocol: false,
  initialWindowSize: PIPE_LIMITS.streamWindowBytes,
  maxConcurrentStreams: PIPE_LIMITS.concurrentStreams,
  maxHeaderListSize: PIPE_LIMITS.headerListBytes,
  maxFrameSize: 16_384,
  headerTableSize: 4096,
};

/**
 * Limits of a session whose other end is hostile. Node's defaults suit peers that were authenticated first; these
 * are lower, because here a peer is only ever one program of ours or one that wants to do harm.
 */
const LIMITS: SessionOptions & { streamResetBurst: number; streamResetRate: number } = {
  settings: SETTINGS,
  maxDeflateDynamicTableSize: 4096,
  maxHeaderListPairs: PIPE_LIMITS.headerPairs,
  maxOutstandingPings: 4,
  /** Entries in one SETTINGS frame. */
  maxSettings: 16,
  /** Megabytes of frames, headers and streams that one session may hold in native memory. */
  maxSessionMemory: 8,
  maxSendHeaderBlockLength: PIPE_LIMITS.headerListBytes,
  /** Rapid reset (CVE-2023-44487): so many at once, then so many a second. */
  streamResetBurst: 200,
  streamResetRate: 50,
};

export const CLIENT_SESSION_OPTIONS: ClientSessionOptions = {
  ...LIMITS,
  /** Pushed streams: none, even from a peer that ignores our settings. */
  maxReservedRemoteStreams: 0,
};

export const SERVER_SESSION_OPTIONS: ServerOptions = {
  ...LIMITS,
  maxSessionInvalidFrames: 20,
  maxSessionRejectedStreams: 20,
};
