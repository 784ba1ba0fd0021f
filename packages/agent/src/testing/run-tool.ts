import type { AnyTool, ToolResult } from '../tools/tool.ts';

/** One call of a tool, its arguments checked as the loop does; wrong ones are an assertion of the test's own. */
export async function runTool(
  tool: AnyTool,
  input: unknown,
  signal: AbortSignal = new AbortController().signal,
): Promise<ToolResult> {
  const parsed = tool.parse(input);
  if (!parsed.ok) return { outcome: 'error', output: `wrong arguments: ${parsed.problem}` };
  return parsed.run({ signal, messageId: 'm1', callId: 'call_1_0' });
}
