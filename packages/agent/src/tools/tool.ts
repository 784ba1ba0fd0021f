import type { TurnEvent } from '@openlegion/contract/turn-event';
import type { z } from 'zod';
import type { PictureType } from '../history/entry.ts';

export interface ToolContext {
  /** Aborted on cancel and at the tool's own time limit. A tool then stops what it started. */
  signal: AbortSignal;
  /** With `callId` the name of this one call, the same over any restart. */
  messageId: string;
  callId: string;
  /** Tells whoever follows the turn of what the tool does meanwhile. */
  report?: (event: TurnEvent) => Promise<void>;
}

/** What a tool gives back. `output` is as it came: the loop cuts, the prompt sanitises. */
export interface ToolResult {
  outcome: 'ok' | 'error' | 'refused' | 'cancelled';
  output: string;
  /** For models that can see: of a type and size that `showPicture` let through. `output` says where it is. */
  picture?: { mediaType: PictureType; bytes: Uint8Array };
}

/** One thing that the model can do. `run` is given arguments that passed `schema`, and may throw: that is a result. */
export interface Tool<Schema extends z.ZodType = z.ZodType> {
  name: string;
  description: string;
  schema: Schema;
  /** After this the call is aborted. Absent: `DEFAULT_TOOL_TIMEOUT_MS`. */
  timeoutMs?: number;
  run(input: z.output<Schema>, context: ToolContext): Promise<ToolResult>;
}

export const DEFAULT_TOOL_TIMEOUT_MS = 60_000;

/** Keeps the type of `schema` for `run`, and forgets it for whoever holds tools of all kinds. */
export function defineTool<Schema extends z.ZodType>(tool: Tool<Schema>): AnyTool {
  return {
    name: tool.name,
    description: tool.description,
    schema: tool.schema,
    ...(tool.timeoutMs === undefined ? {} : { timeoutMs: tool.timeoutMs }),
    parse: (input) => {
      const parsed = tool.schema.safeParse(input);
      if (!parsed.success) return { ok: false, problem: describeProblem(parsed.error) };
      return { ok: true, run: (context) => tool.run(parsed.data, context) };
    },
  };
}

/** A tool whose arguments are checked and bound in one step, so that none can run unchecked. */
export interface AnyTool {
  name: string;
  description: string;
  schema: z.ZodType;
  timeoutMs?: number;
  parse(
    input: unknown,
  ): { ok: true; run: (context: ToolContext) => Promise<ToolResult> } | { ok: false; problem: string };
}

function describeProblem(error: z.ZodError): string {
  return error.issues
    .slice(0, 10)
    .map((issue) => `${issue.path.join('.') || 'arguments'}: ${issue.message}`)
    .join('; ');
}
