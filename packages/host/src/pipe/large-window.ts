import type { ClientHttp2Session } from 'node:http2';
import { PIPE_LIMITS } from './pipe.ts';

/** The one large receive window of a pipe. HTTP/2 gives it to the session as a whole, for as long as it is taken. */
export interface LargeWindow {
  /** Takes it and returns what gives it back; `undefined` when another artifact has it: nobody waits for it. */
  take(): (() => void) | undefined;
}

export function createLargeWindow(session: ClientHttp2Session): LargeWindow {
  let taken = false;

  function announce(streamBytes: number, sessionBytes: number): void {
    if (session.destroyed || session.closed) return;
    session.settings({ initialWindowSize: streamBytes });
    session.setLocalWindowSize(sessionBytes);
  }

  return {
    take() {
      if (taken) return undefined;
      taken = true;
      announce(PIPE_LIMITS.largeWindowBytes, PIPE_LIMITS.largeWindowBytes);
      return () => {
        if (!taken) return;
        taken = false;
        announce(PIPE_LIMITS.streamWindowBytes, PIPE_LIMITS.sessionWindowBytes);
      };
    },
  };
}
