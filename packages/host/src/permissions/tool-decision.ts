import type { AgentPermissions } from '@openlegion/contract/permissions-config';
import { matchesPattern } from '../router/match-pattern.ts';

export interface ToolDecision {
  decision: 'allow' | 'ask' | 'deny';
  /** The entry of `allowed_tools` that decided; null where none covers the tool, which denies it. */
  entry: string | null;
}

/** The tool's own entry decides, else the longest pattern that covers it, else it is denied. */
export function toolDecision(entries: AgentPermissions['allowed_tools'], tool: string): ToolDecision {
  const patterns = Object.entries(entries).sort(([a], [b]) => b.length - a.length);
  const found =
    patterns.find(([name]) => name === tool) ?? patterns.find(([name]) => matchesPattern(name, tool));
  return found ? { decision: found[1], entry: found[0] } : { decision: 'deny', entry: null };
}
