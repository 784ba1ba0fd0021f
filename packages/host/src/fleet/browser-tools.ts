import { BROWSER_ACTIONS } from '@openlegion/contract/browser-actions';
import type { AgentPermissions } from '@openlegion/contract/permissions-config';
import { matchesPattern } from '../router/match-pattern.ts';

const PREFIX = 'browser_';

export const BROWSER_TOOLS = BROWSER_ACTIONS.map((action) => `${PREFIX}${action}` as const);

/** Whether `can_use_browser` and `browser_actions` give this tool, beside what `allowed_tools` says; any other they do not concern. */
export function browserAllows(
  { can_use_browser, browser_actions }: Pick<AgentPermissions, 'can_use_browser' | 'browser_actions'>,
  tool: string,
): boolean {
  if (!BROWSER_TOOLS.some((name) => name === tool)) return true;
  const action = tool.slice(PREFIX.length);
  return can_use_browser && browser_actions.some((pattern) => matchesPattern(pattern, action));
}
