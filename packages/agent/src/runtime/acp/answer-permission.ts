import { ApprovalGiven } from '@openlegion/contract/mesh-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { MeshClient } from '../../pipe/pipe.ts';
import { answerOfMesh } from '../../tools/answer-of-mesh.ts';
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
  /** `AgentStart.tools`: names, and patterns that end in `*`. */
  tools: readonly string[];
  askFor: readonly string[];
}

/**
 * What a program is answered that asks before a call: yes where the tool of ours that does the same is granted, after
 * a person said so where `allowed_tools` says `ask`, otherwise no. Agent-enforced: a program that does not ask is
 * held by its container, its budget and the ways out alone. Yes is always for this one call.
 */
export async function answerPermission(options: {
  asked: PermissionAsked;
  grants: Grants;
  mesh: MeshClient;
  /** The same question gets the same answer over a restart. */
  key: string;
  signal: AbortSignal;
}): Promise<{ outcome: { outcome: 'cancelled' } | { outcome: 'selected'; optionId: string } }> {
  const { asked, signal } = options;
  const allowed = await isAllowed(options);
  if (signal.aborted) return { outcome: { outcome: 'cancelled' } };
  const kinds = allowed ? ['allow_once', 'allow_always'] : ['reject_once', 'reject_always'];
  const option = kinds.flatMap((kind) => asked.options.filter((found) => found.kind === kind))[0];
  if (option === undefined) return { outcome: { outcome: 'cancelled' } };
  return { outcome: { outcome: 'selected', optionId: option.optionId } };
}

async function isAllowed({
  asked,
  grants,
  mesh,
  key,
  signal,
}: Parameters<typeof answerPermission>[0]): Promise<boolean> {
  const { kind, rawInput, title } = asked.toolCall;
  if (HARMLESS.has(kind ?? '')) return true;
  const tool = TOOLS.get(kind ?? '') ?? PROGRAM_TOOL;
  const covers = (entry: string) =>
    entry.endsWith('*') ? tool.startsWith(entry.slice(0, -1)) : entry === tool;
  if (!grants.tools.some(covers)) return false;
  if (!grants.askFor.some(covers)) return true;
  const shown = JSON.stringify({ title: title ?? '', input: rawInput ?? null });
  // A question that cannot be shown whole is not asked: what is approved is exactly what will run.
  if (Buffer.byteLength(shown) > 64 * 1024) return false;
  try {
    ApprovalGiven.parse(await answerOfMesh(mesh, signal, '/mesh/approvals', { tool, arguments: shown, key }));
    return true;
  } catch (error) {
    if (error instanceof OpenLegionError || signal.aborted) return false;
    throw error;
  }
}
