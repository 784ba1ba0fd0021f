import type { Dialect } from '@openlegion/contract/catalog';
import { z } from 'zod';
import type { AdapterPrompt } from '../../model/adapter.ts';
import { parseWire } from '../bad-request.ts';
import {
  callInput,
  imageOfUrl,
  type NeutralRequest,
  reasoningPart,
  set,
  toolCall,
  toolResult,
  type UserContent,
} from '../neutral-request.ts';
import { openEnvelope } from '../reasoning-envelope.ts';
import {
  ChoiceWord,
  Effort,
  Factor,
  Flag,
  FunctionFields,
  functionTool,
  jsonAnswer,
  SchemaFields,
  Text,
  Tokens,
  textOf,
  toolChoice,
} from '../wire-fields.ts';

/** OpenAI's responses: platform.openai.com/docs/api-reference/responses/create. */
const InputText = z.object({ type: z.enum(['input_text', 'output_text', 'text']), text: z.string() });
const InputImage = z.object({ type: z.literal('input_image'), image_url: z.string() });
const SaidRefusal = z.object({ type: z.literal('refusal'), refusal: z.string() });
const Content = z.union([
  z.string(),
  z.array(z.discriminatedUnion('type', [InputText, InputImage, SaidRefusal])),
]);
const Item = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('message'),
    role: z.enum(['user', 'assistant', 'system', 'developer']),
    content: Content,
  }),
  z.object({
    type: z.literal('function_call'),
    call_id: z.string(),
    name: z.string(),
    arguments: z.string(),
  }),
  z.object({ type: z.literal('function_call_output'), call_id: z.string(), output: Content }),
  z.object({
    type: z.literal('reasoning'),
    summary: z.array(z.object({ text: z.string() })).nullish(),
    encrypted_content: z.string().nullish(),
  }),
]);
type Item = z.infer<typeof Item>;
const none = z
  .union([z.null(), z.literal(false)], { error: 'not available: nothing is kept at or done by the provider' })
  .optional();
const ResponsesRequest = z.object({
  input: z.union([z.string(), z.array(z.preprocess(withType, Item)).min(1)]),
  instructions: Text,
  tools: z.array(z.object({ type: z.literal('function'), ...FunctionFields })).nullish(),
  tool_choice: z.union([ChoiceWord, z.object({ type: z.literal('function'), name: z.string() })]).nullish(),
  parallel_tool_calls: Flag,
  text: z
    .object({
      format: z
        .discriminatedUnion('type', [
          z.object({ type: z.enum(['text', 'json_object']) }),
          z.object({ type: z.literal('json_schema'), ...SchemaFields }),
        ])
        .nullish(),
    })
    .nullish(),
  reasoning: z.object({ effort: Effort }).nullish(),
  max_output_tokens: Tokens,
  temperature: Factor,
  top_p: Factor,
  previous_response_id: none,
  conversation: none,
  background: none,
  prompt: none,
});

/** A message may leave its type out. */
function withType(item: unknown): unknown {
  return typeof item === 'object' && item !== null && !('type' in item) ? { type: 'message', ...item } : item;
}

export function readResponsesRequest(body: unknown, dialect: Dialect): NeutralRequest {
  const asked = parseWire(ResponsesRequest, body);
  const prompt: AdapterPrompt = [];
  if (asked.instructions) prompt.push({ role: 'system', content: asked.instructions });
  if (typeof asked.input === 'string')
    prompt.push({ role: 'user', content: [{ type: 'text', text: asked.input }] });
  else prompt.push(...promptOf(asked.input, dialect));
  const format = asked.text?.format;
  const schema = format?.type === 'json_schema' ? format : undefined;
  return {
    prompt,
    tools: (asked.tools ?? []).map(functionTool),
    settings: set({
      maxOutputTokens: asked.max_output_tokens,
      temperature: asked.temperature,
      topP: asked.top_p,
      reasoning: asked.reasoning?.effort,
      toolChoice: toolChoice(asked.tool_choice),
      responseFormat: jsonAnswer(schema ?? format?.type === 'json_object'),
    }),
    parallelToolCalls: asked.parallel_tool_calls ?? undefined,
    strictSchema: schema?.strict === true,
  };
}

/** Items in a row; those of one assistant's turn are put together by the repair, as for every wire. */
function promptOf(items: readonly Item[], dialect: Dialect): AdapterPrompt {
  const names = new Map<string, string>();
  const calls = new Map<string, object>();
  const read = (item: Item): AdapterPrompt => {
    switch (item.type) {
      case 'message': {
        const content = partsOf(item.content);
        if (item.role === 'user') return [{ role: 'user', content }];
        const text = textOf(content);
        if (item.role === 'assistant') return [{ role: 'assistant', content: [{ type: 'text', text }] }];
        return [{ role: 'system', content: text }];
      }
      case 'function_call': {
        names.set(item.call_id, item.name);
        const call = toolCall(item.call_id, item.name, callInput(item.arguments));
        calls.set(item.call_id, call);
        return [{ role: 'assistant', content: [call] }];
      }
      case 'function_call_output': {
        const output = { type: 'content' as const, value: partsOf(item.output) };
        return [{ role: 'tool', content: [toolResult(item.call_id, names, output)] }];
      }
      case 'reasoning': {
        const kept = openEnvelope(item.encrypted_content, dialect);
        if (!kept) return [];
        const call = calls.get(kept.callId ?? '');
        if (call) {
          Object.assign(call, set({ providerOptions: kept.data }));
          return [];
        }
        const text = (item.summary ?? []).map((part) => part.text).join('\n\n');
        return [{ role: 'assistant', content: [reasoningPart({ text, data: kept.data })] }];
      }
    }
  };
  return items.flatMap(read);
}

function partsOf(content: z.infer<typeof Content>): UserContent {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return content.map((part) => {
    if (part.type === 'input_image') return imageOfUrl(part.image_url);
    return { type: 'text', text: part.type === 'refusal' ? part.refusal : part.text };
  });
}
