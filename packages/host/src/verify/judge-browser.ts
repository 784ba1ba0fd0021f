import type { Guarantee } from '@openlegion/contract/control-api';
import { judged } from './guarantee.ts';

/**
 * What the browser of an agent is not: confined from the rest of its container. Said where agents have one; it follows
 * from `escape.namespaces`, which is what Chromium's own sandbox would be made of.
 */
export function browserGuarantees(agents: readonly string[]): Guarantee[] {
  if (agents.length === 0) return [];
  return [
    judged('escape.browser-sandbox', {
      holds: false,
      evidence: `can_use_browser: ${agents.join(', ')}; Chromium is started with --no-sandbox`,
      why: '',
      declared:
        'Chromium’s own sandbox is made of user namespaces, which no container here may make. The container itself is the boundary: such a page has what the agent was granted, and nothing more. Give a browser to agents that hold little else.',
    }),
  ];
}
