import type { AskApproval } from '../../loop/ask-approval.ts';
import { isGranted } from '../../skills/is-granted.ts';
import type { PermissionAsked } from './messages.ts';

/** The tool of ours whose grant a kind of call needs; for a kind that is not here, `PROGRAM_TOOL`. */
const TOOLS = new Map([
  ['read', 'read_file'],
  ['search', 'search_files'],
  ['edit', 'edit_file'],
  ['delete', 'write_file'],
  ['move', 'write_file'],
  ['execute', 'exec'],
  ['fetch', 'web_fetch'],
]);
const PROGRAM_TOOL = 'program_tool';
/** Thinking and leaving a mode touch nothing. */
const HARMLESS: ReadonlySet<string> = new Set(['think', 'switch_mode']);

export interface Grants {
  /** `AgentStart.tools`. */
  tools: readonly string[];
  /** Asks a person where `allowed_tools` says so. */
  approve: AskApproval;
}

/**
 * What a program is answered that asks before a call: yes where the tool of ours that does the same is granted, after
 * a person said so where `allowed_tools` says `ask`, otherwise no. Agent-enforced: a program that does not ask is
 * held by its container, its budget and the ways out alone. Yes is always for this one call.
 */
export async function answerPermission(
  asked: PermissionAsked,
  grants: Grants,
  call: { messageId: string; callId: string; signal: AbortSignal },
): Promise<{ outcome: { outcome: 'cancelled' } | { outcome: 'selected'; optionId: string } }> {
  const allowed = await isAllowed(asked, grants, call);
  if (call.signal.aborted) return { outcome: { outcome: 'cancelled' } };
  const kinds = allowed ? ['allow_once', 'allow_always'] : ['reject_once', 'reject_always'];
  const option = kinds.flatMap((kind) => asked.options.filter((found) => found.kind === kind))[0];
  if (option === undefined) return { outcome: { outcome: 'cancelled' } };
  return { outcome: { outcome: 'selected', optionId: option.optionId } };
}

async function isAllowed(
  asked: PermissionAsked,
  grants: Grants,
  call: { messageId: string; callId: string; signal: AbortSignal },
): Promise<boolean> {
  const { kind, rawInput, title } = asked.toolCall;
  if (HARMLESS.has(kind ?? '')) return true;
  const known = TOOLS.get(kind ?? '');
  const tool = known ?? PROGRAM_TOOL;
  // Patterns in the list are for what only the agent knows: of ours each that is granted is named.
  const granted = known === undefined ? isGranted(grants.tools, tool) : grants.tools.includes(tool);
  if (!granted) return false;
  const input = { title: title ?? '', input: rawInput ?? null };
  return (await grants.approve({ tool, input, ...call })) === undefined;
}
