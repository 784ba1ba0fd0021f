import type { ToolDefinition } from '../model/model-stream.ts';
import type { PromptText } from '../prompt/prompt-text.ts';
import type { AnyTool } from '../tools/tool.ts';

/** A tool that is known only once the agent runs: of a skill, or of an MCP server. */
export interface ExtraTool {
  tool: AnyTool;
  definition: ToolDefinition;
}

/** What a source has to offer as of now. */
export interface ExtraTools {
  tools: readonly ExtraTool[];
  /** A section of the system prompt; empty where there is nothing to say. */
  prompt: PromptText;
}

/** Where such tools come from. Asked at each round of a turn; never rejects, since no turn must end by it. */
export interface ToolSource {
  refresh(round: { messageId: string; signal?: AbortSignal }): Promise<ExtraTools>;
}
