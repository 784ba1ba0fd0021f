import type { EgressSettings } from '@openlegion/contract/gateway-protocol';
import { refuse } from '../refuse.ts';
import type { EgressClock } from './egress-clock.ts';

type Limits = Pick<EgressSettings, 'requestsPerMinute' | 'bytesPerMinute' | 'connections'>;

/** What one agent may take, so that it leaves something for the others. */
export interface AgentLimits {
  configure(limits: Limits): void;
  /** Counts a connection until the function returned is called. Throws `rate_limited`; `unavailable` before `configure`. */
  connection(agent: string): () => void;
  /** Counts a request. Throws `rate_limited`. */
  request(agent: string): void;
  /** Counts bytes in either direction; how many milliseconds to wait before the next. */
  waitMs(agent: string, bytes: number): number;
}

/** A minute's worth at most, filled again evenly; bytes may overdraw it, and wait until it is even. */
interface Bucket {
  left: number;
  at: number;
}

interface Usage {
  connections: number;
  requests: Bucket;
  bytes: Bucket;
}

const MINUTE_MS = 60_000;

export function createAgentLimits(clock: EgressClock): AgentLimits {
  let limits: Limits | null = null;
  const agents = new Map<string, Usage>();

  function of(agent: string): { usage: Usage; limits: Limits } {
    if (!limits) throw UNSET;
    const at = clock.now();
    const usage = agents.get(agent) ?? {
      connections: 0,
      requests: { left: limits.requestsPerMinute, at },
      bytes: { left: limits.bytesPerMinute, at },
    };
    agents.set(agent, usage);
    return { usage, limits };
  }

  function take(bucket: Bucket, perMinute: number, amount: number): number {
    const now = clock.now();
    bucket.left = Math.min(perMinute, bucket.left + ((now - bucket.at) * perMinute) / MINUTE_MS) - amount;
    bucket.at = now;
    return bucket.left;
  }

  return {
    configure(given) {
      limits = given;
    },
    connection(agent) {
      const { usage, limits } = of(agent);
      if (usage.connections >= limits.connections)
        throw over(agent, 'connections', `${limits.connections} connections at a time`);
      usage.connections += 1;
      return () => {
        usage.connections -= 1;
      };
    },
    request(agent) {
      const { usage, limits } = of(agent);
      if (take(usage.requests, limits.requestsPerMinute, 1) >= 0) return;
      usage.requests.left += 1;
      throw over(agent, 'requests_per_minute', `${limits.requestsPerMinute} requests a minute`);
    },
    waitMs(agent, bytes) {
      const { usage, limits } = of(agent);
      const left = take(usage.bytes, limits.bytesPerMinute, bytes);
      return left >= 0 ? 0 : Math.ceil((-left * MINUTE_MS) / limits.bytesPerMinute);
    },
  };
}

const UNSET = refuse(
  'unavailable',
  'egress',
  'The outside world is not configured yet.',
  'Wait a moment: the host configures the gateway when it starts.',
);

function over(agent: string, key: string, what: string) {
  return refuse(
    'rate_limited',
    `egress.${key}`,
    `${agent} has used its ${what}.`,
    `Slow down; an operator raises egress.${key} in config/mesh.yaml.`,
  );
}
