import type { EgressSettings } from '@openlegion/contract/gateway-protocol';
import { refuse } from '../../process/refuse.ts';
import type { EgressClock } from './egress-clock.ts';

type Limits = Pick<EgressSettings, 'requestsPerMinute' | 'bytesPerMinute' | 'connections'>;
export type AgentLimits = ReturnType<typeof createAgentLimits>;

const MINUTE_MS = 60_000;

/** What one agent may take, so that it leaves something for the others. All throw `unavailable` before `configure`. */
export function createAgentLimits(clock: EgressClock) {
  let configured: Limits | null = null;
  const connections = new Map<string, number>();
  const buckets = new Map<string, { left: number; at: number }>();

  function limits(): Limits {
    if (configured) return configured;
    const remedy = 'Wait a moment: the host configures the gateway when it starts.';
    throw refuse('unavailable', 'egress', 'The outside world is not configured yet.', remedy);
  }

  /** What is left after `amount` of a minute's worth, which fills again evenly; below zero it is overdrawn. */
  function take(name: string, perMinute: number, amount: number): number {
    const now = clock.now();
    const { left, at } = buckets.get(name) ?? { left: perMinute, at: now };
    const rest = Math.min(perMinute, left + ((now - at) * perMinute) / MINUTE_MS) - amount;
    buckets.set(name, { left: rest, at: now });
    return rest;
  }

  return {
    configure(given: Limits): void {
      configured = given;
    },
    /** Counts a connection until the function returned is called. Throws `rate_limited`. */
    connection(agent: string): () => void {
      const most = limits().connections;
      const count = connections.get(agent) ?? 0;
      if (count >= most) throw over(agent, 'connections', `${most} connections at a time`);
      connections.set(agent, count + 1);
      return () => connections.set(agent, (connections.get(agent) ?? 1) - 1);
    },
    /** Counts a request. Throws `rate_limited`. */
    request(agent: string): void {
      const most = limits().requestsPerMinute;
      if (take(`requests ${agent}`, most, 1) >= 0) return;
      take(`requests ${agent}`, most, -1);
      throw over(agent, 'requests_per_minute', `${most} requests a minute`);
    },
    /** Counts bytes in either direction; how many milliseconds to wait before the next. */
    waitMs(agent: string, bytes: number): number {
      const most = limits().bytesPerMinute;
      const left = take(`bytes ${agent}`, most, bytes);
      return left >= 0 ? 0 : Math.ceil((-left * MINUTE_MS) / most);
    },
  };
}

function over(agent: string, key: string, what: string) {
  const remedy = `Slow down; an operator raises egress.${key} in config/mesh.yaml.`;
  return refuse('rate_limited', `egress.${key}`, `${agent} has used its ${what}.`, remedy);
}
