import type { Dialect } from '@openlegion/contract/catalog';
import { z } from 'zod';
import type { AdapterPrompt } from '../../model/adapter.ts';
import { parseWire } from '../bad-request.ts';
import {
  type AssistantContent,
  effortOf,
  imageOfData,
  imageOfUrl,
  type NeutralRequest,
  type Reasoning,
  reasoningPart,
  set,
  type ToolCall,
  type ToolContent,
  toolCall,
  toolResult,
  type UserContent,
} from '../neutral-request.ts';
import { openEnvelope } from '../reasoning-envelope.ts';
import {
  Effort,
  Factor,
  Flag,
  functionTool,
  JsonSchema,
  jsonAnswer,
  Text,
  Tokens,
  toolChoice,
} from '../wire-fields.ts';

/** Anthropic's messages: docs.claude.com/en/api/messages. */
const TextBlock = z.object({ type: z.literal('text'), text: z.string() });
const ImageBlock = z.object({
  type: z.literal('image'),
  source: z.discriminatedUnion('type', [
    z.object({ type: z.literal('base64'), media_type: z.string(), data: z.string() }),
    z.object({ type: z.literal('url'), url: z.string() }),
  ]),
});
const DocumentBlock = z.object({
  type: z.literal('document'),
  source: z.object({ type: z.literal('text'), data: z.string() }),
  title: Text,
});
const Shown = z.discriminatedUnion('type', [TextBlock, ImageBlock, DocumentBlock]);
const Block = z.discriminatedUnion('type', [
  TextBlock,
  ImageBlock,
  DocumentBlock,
  z.object({ type: z.literal('tool_use'), id: z.string(), name: z.string(), input: JsonSchema }),
  z.object({
    type: z.literal('tool_result'),
    tool_use_id: z.string(),
    content: z.union([z.string(), z.array(Shown)]).nullish(),
    is_error: Flag,
  }),
  z.object({ type: z.literal('thinking'), thinking: z.string(), signature: Text }),
  z.object({ type: z.literal('redacted_thinking'), data: z.string() }),
]);
type Block = z.infer<typeof Block>;
const Texts = z.union([z.string(), z.array(TextBlock)]);
const MessagesRequest = z.object({
  max_tokens: Tokens,
  system: Texts.nullish(),
  messages: z
    .array(
      z.object({
        role: z.enum(['user', 'assistant', 'system']),
        content: z.union([z.string(), z.array(Block)]),
      }),
    )
    .min(1),
  tools: z
    .array(
      z.object({
        type: z.literal('custom').nullish(),
        name: z.string(),
        description: Text,
        input_schema: JsonSchema,
        strict: Flag,
      }),
    )
    .nullish(),
  tool_choice: z
    .object({
      type: z.enum(['auto', 'any', 'tool', 'none']),
      name: z.string().optional(),
      disable_parallel_tool_use: Flag,
    })
    .nullish(),
  thinking: z
    .object({ type: z.enum(['enabled', 'disabled', 'adaptive']), budget_tokens: z.int().nullish() })
    .nullish(),
  output_config: z
    .object({
      effort: Effort,
      format: z.object({ type: z.literal('json_schema'), schema: JsonSchema }).nullish(),
    })
    .nullish(),
  temperature: Factor,
  top_p: Factor,
  top_k: Factor,
  stop_sequences: z.array(z.string()).nullish(),
});
type MessagesRequest = z.infer<typeof MessagesRequest>;

export function readMessagesRequest(body: unknown, dialect: Dialect): NeutralRequest {
  const asked = parseWire(MessagesRequest, body);
  const names = new Map<string, string>();
  const { tool_choice: choice, output_config: output, system } = asked;
  const prompt: AdapterPrompt = [];
  if (system) prompt.push({ role: 'system', content: textOf(system) });
  for (const { role, content } of asked.messages) {
    const blocks: Block[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
    if (role === 'system') {
      prompt.push({ role, content: textOf(blocks.filter((block) => block.type === 'text')) });
    } else if (role === 'assistant') {
      prompt.push({ role, content: assistantContent(blocks, names, dialect) });
    } else {
      const results = toolResults(blocks, names);
      if (results.length > 0) prompt.push({ role: 'tool', content: results });
      const said = blocks.flatMap((block) =>
        block.type === 'text' || block.type === 'image' || block.type === 'document' ? shown(block) : [],
      );
      if (said.length > 0) prompt.push({ role: 'user', content: said });
    }
  }
  return {
    prompt,
    tools: (asked.tools ?? []).map((tool) => functionTool({ ...tool, parameters: tool.input_schema })),
    settings: set({
      maxOutputTokens: asked.max_tokens,
      temperature: asked.temperature,
      topP: asked.top_p,
      topK: asked.top_k,
      stopSequences: asked.stop_sequences,
      reasoning: reasoningOf(asked),
      toolChoice: toolChoice(choice && (CHOICES[choice.type] ?? { name: choice.name ?? '' })),
      responseFormat: jsonAnswer(output?.format ?? false),
    }),
    parallelToolCalls: choice?.disable_parallel_tool_use ? false : undefined,
    strictSchema: output?.format !== undefined,
  };
}

function reasoningOf({ thinking, output_config }: MessagesRequest): Reasoning | undefined {
  if (thinking?.type === 'disabled') return 'none';
  if (thinking?.type === 'enabled') return output_config?.effort ?? effortOf(thinking.budget_tokens ?? 0);
  return output_config?.effort ?? (thinking ? 'medium' : undefined);
}

const CHOICES: Record<string, string> = { auto: 'auto', any: 'required', none: 'none' };

function assistantContent(
  blocks: readonly Block[],
  names: Map<string, string>,
  dialect: Dialect,
): AssistantContent {
  const content: AssistantContent = [];
  const calls = new Map<string, ToolCall>();
  for (const block of blocks) {
    if (block.type === 'text') content.push({ type: 'text', text: block.text });
    else if (block.type === 'tool_use') {
      names.set(block.id, block.name);
      const call = toolCall(block.id, block.name, block.input);
      calls.set(block.id, call);
      content.push(call);
    } else if (block.type === 'thinking') {
      const kept = openEnvelope(block.signature, dialect);
      if (kept) content.push(reasoningPart({ text: block.thinking, data: kept.data }));
    } else if (block.type === 'redacted_thinking') {
      const kept = openEnvelope(block.data, dialect);
      const call = calls.get(kept?.callId ?? '');
      if (!kept || !call) continue;
      if (kept.data) call.providerOptions = kept.data;
      content.splice(content.indexOf(call), 0, ...(kept.reasoning ?? []).map(reasoningPart));
    }
  }
  return content;
}

function toolResults(blocks: readonly Block[], names: Map<string, string>): ToolContent {
  return blocks.flatMap((block): ToolContent => {
    if (block.type !== 'tool_result') return [];
    const { tool_use_id: id, content, is_error } = block;
    const value: UserContent =
      typeof content === 'string' ? [{ type: 'text', text: content }] : (content ?? []).flatMap(shown);
    const texts = value.flatMap((part) => (part.type === 'text' ? part.text : []));
    const failed = is_error && texts.length === value.length;
    return [
      toolResult(
        id,
        names,
        failed ? { type: 'error-text', value: texts.join('\n') } : { type: 'content', value },
      ),
    ];
  });
}

function shown(block: z.infer<typeof Shown>): UserContent {
  if (block.type === 'text') return [{ type: 'text', text: block.text }];
  if (block.type === 'document')
    return [{ type: 'text', text: `${block.title ?? 'Document'}:\n${block.source.data}` }];
  const { source } = block;
  return [source.type === 'url' ? imageOfUrl(source.url) : imageOfData(source.media_type, source.data)];
}

function textOf(content: z.infer<typeof Texts>): string {
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('\n');
}
