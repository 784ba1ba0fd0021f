import { Agent } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Place } from '../../address/read-place.ts';
import type { Caller } from '../read-caller.ts';
import type { Dialer } from './dial.ts';

/** One connection of one program: the proxy's own, or what is inside a tunnel. */
export interface ClientConnection {
  caller: Caller;
  socket: Duplex;
  /** Inside a tunnel nothing goes anywhere else. Null: each request names its own place. */
  tunnel: Place | null;
  /** The TLS that ends here, of a tunnel. */
  tls: TLSSocket | null;
  /** Upstreams are spoken to by TLS; where they are not, no credential goes anywhere. */
  secure: boolean;
  /** Connections to upstreams: of this client alone, so that no two agents, nor two programs, ever share one. */
  upstreams: Agent;
}

/** What is taken in to be served; `first`, an upstream already dialled. */
export type Incoming = Pick<ClientConnection, 'caller' | 'socket' | 'tunnel' | 'tls'> & {
  first?: Promise<Duplex>;
};

/** An idle connection is closed before the usual server would, so that a request does not meet its closing. */
const IDLE_UPSTREAM_MS = 4000;

/**
 * Connections outwards, each dialled and verified anew; with `secure`, nothing is sent before its certificate held.
 * `first` was dialled while the program was still in its handshake.
 */
export function createUpstreams({ dial }: Dialer, secure: boolean, first?: Promise<Duplex>): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 2, maxFreeSockets: 1, timeout: IDLE_UPSTREAM_MS });
  let prepared = first;
  async function next(place: Place): Promise<Duplex> {
    // Taken before it is waited for: of two requests at once only one may have it.
    const mine = prepared;
    prepared = undefined;
    const socket = await mine;
    return socket && !socket.destroyed ? socket : dial(place, secure);
  }
  agent.createConnection = ({ host, port }, callback) => {
    // Of a failure Node passes on the error alone, whatever its types ask for.
    const done = callback as ((error: unknown, socket?: Duplex) => void) | undefined;
    next({ host: host ?? '', port: Number(port) }).then((socket) => done?.(null, socket), done);
    return undefined;
  };
  return agent;
}
