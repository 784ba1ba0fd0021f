import { z } from 'zod';
import { frame, joinText, ours, type PromptText } from '../prompt/prompt-text.ts';
import { type AnyTool, defineTool, type ToolResult } from '../tools/tool.ts';
import type { KnownPack, KnownTool, SkillRegistry } from './create-skill-registry.ts';
import type { ExtraTool, ToolSource } from './extra-tools.ts';
import { runSkillProcess, type SkillProcess } from './run-skill-process.ts';

const CALL_MS = 120_000;
const RESULT_BYTES = 8 * 1024 * 1024;
const MAX_PACKS_SHOWN = 50;

const Answer = z.union([
  z.strictObject({ result: z.string() }),
  z.strictObject({ problem: z.string(), arguments: z.boolean() }),
]);

/** The tools of skills, each call in a process of its own, and what the prompt says of packs. */
export function createSkillSource(options: { registry: SkillRegistry; place: SkillProcess }): ToolSource {
  const made = new Map<string, { known: KnownTool; extra: ExtraTool }>();
  return {
    async refresh() {
      const { tools, packs } = await options.registry.refresh();
      for (const known of tools)
        if (made.get(known.name)?.known !== known)
          made.set(known.name, { known, extra: skillTool(known, options.place) });
      return { tools: tools.flatMap(({ name }) => made.get(name)?.extra ?? []), prompt: packSection(packs) };
    },
  };
}

/** Arguments are checked by the skill's own schema, in its process. */
function skillTool(known: KnownTool, place: SkillProcess): ExtraTool {
  const { name, description, inputSchema } = known;
  const tool: AnyTool = defineTool({
    name,
    description,
    schema: z.record(z.string(), z.unknown()),
    timeoutMs: CALL_MS + 5000,
    run: (input, { signal }) => callSkill(known, input, place, signal),
  });
  return { tool, definition: { name, description, inputSchema } };
}

async function callSkill(
  { name, file }: KnownTool,
  input: unknown,
  place: SkillProcess,
  signal: AbortSignal,
): Promise<ToolResult> {
  const order = { call: { file, tool: name, input } };
  const limits = { timeoutMs: CALL_MS, maxBytes: RESULT_BYTES, signal };
  const { answers, cut, printed } = await runSkillProcess(place, order, limits);
  const answer = Answer.safeParse(answers.at(-1));
  const also = printed === '' ? '' : `\n[it printed]\n${printed}`;
  if (signal.aborted) return { outcome: 'cancelled', output: printed };
  if (!answer.success)
    return { outcome: 'error', output: `${name} gave no result: ${cut ?? 'it ended without one'}${also}` };
  if ('result' in answer.data) return { outcome: 'ok', output: `${answer.data.result}${also}` };
  const what = answer.data.arguments ? `wrong arguments for ${name}` : `${name} failed`;
  return { outcome: 'error', output: `${what}: ${answer.data.problem}${also}` };
}

/** Names and descriptions alone: the rest of a pack is read when it is needed. */
function packSection(packs: readonly KnownPack[]): PromptText {
  if (packs.length === 0) return ours``;
  const shown = packs.slice(0, MAX_PACKS_SHOWN);
  const lines = shown.map(({ name, description }) => `- ${name}: ${description.replaceAll(/\s+/g, ' ')}`);
  if (packs.length > shown.length)
    lines.push(`- and ${packs.length - shown.length} more: list_custom_skills`);
  return joinText([
    ours`Instructions that read_skill gives in full, for when what they are for comes up:`,
    frame('skills', lines.join('\n')),
  ]);
}
