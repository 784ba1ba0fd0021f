import type { ToolDefinition } from '../model/model-stream.ts';
import type { AnyTool } from '../tools/tool.ts';

/** A tool that is known only once the agent runs: of a skill, or of an MCP server. */
export interface ExtraTool {
  tool: AnyTool;
  definition: ToolDefinition;
}

/** What a source has to offer as of now. */
export interface ExtraTools {
  tools: readonly ExtraTool[];
  /** A section of the system prompt, sanitised; empty where there is nothing to say. */
  prompt: string;
}

/** Where such tools come from. Asked at each round of a turn; never rejects, since a turn must not end by it. */
export interface ToolSource {
  refresh(round: { messageId: string; signal?: AbortSignal }): Promise<ExtraTools>;
}

export const NO_EXTRA_TOOLS: ExtraTools = { tools: [], prompt: '' };
