import { z } from 'zod';
import type { WireAnswer } from '../wire-answer.ts';
import type { WireMessage } from '../wire-request.ts';
import { openAiFailure } from './openai-failure.ts';
import { parseBody, TextOrParts } from './parse-body.ts';
import { type StreamPart, serverSent, type WireDialect } from './wire-dialect.ts';

const Body = z.object({
  model: z.string(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: z.int().positive().nullish(),
  max_completion_tokens: z.int().positive().nullish(),
  messages: z
    .array(
      z.discriminatedUnion('role', [
        z.object({ role: z.enum(['system', 'developer', 'user']), content: TextOrParts }),
        z.object({
          role: z.literal('assistant'),
          content: TextOrParts,
          tool_calls: z
            .array(
              z.object({ id: z.string(), function: z.object({ name: z.string(), arguments: z.string() }) }),
            )
            .nullish(),
        }),
        z.object({ role: z.literal('tool'), tool_call_id: z.string(), content: TextOrParts }),
      ]),
    )
    .min(1),
});

/** `POST /v1/chat/completions`. */
export const OPENAI_CHAT: WireDialect = {
  parse: (body) =>
    parseBody(Body, body, (read) => ({
      model: read.model,
      stream: read.stream ?? false,
      messages: messagesOf(read.messages),
      maxOutputTokens: read.max_completion_tokens ?? read.max_tokens ?? null,
      includeUsage: read.stream_options?.include_usage ?? false,
    })),

  whole: (answer) => ({
    ...head(answer, 'chat.completion'),
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: answer.text === '' && answer.calls.length > 0 ? null : answer.text,
          refusal: null,
          ...(answer.reasoning === '' ? {} : { reasoning_content: answer.reasoning }),
          ...(answer.calls.length === 0
            ? {}
            : {
                tool_calls: answer.calls.map((call) => ({
                  id: call.id,
                  type: 'function',
                  function: { name: call.tool, arguments: call.arguments },
                })),
              }),
        },
        logprobs: null,
        finish_reason: answer.stop,
      },
    ],
    usage: usage(answer),
  }),

  *stream(answer, pieces, request) {
    const chunk = (delta: object, finish: string | null = null): string =>
      serverSent({
        ...head(answer, 'chat.completion.chunk'),
        choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
        ...(request.includeUsage ? { usage: null } : {}),
      });
    const part = (delta: object): StreamPart => ({ sent: chunk(delta), piece: true });
    yield { sent: chunk({ role: 'assistant', content: '' }), piece: false };
    for (const piece of pieces) {
      if (piece.type === 'reasoning') yield part({ reasoning_content: piece.text });
      else if (piece.type === 'text') yield part({ content: piece.text });
      else {
        const call = answer.calls[piece.index];
        yield part({
          tool_calls: [
            piece.first
              ? {
                  index: piece.index,
                  id: call?.id,
                  type: 'function',
                  function: { name: call?.tool, arguments: piece.arguments },
                }
              : { index: piece.index, function: { arguments: piece.arguments } },
          ],
        });
      }
    }
    yield { sent: chunk({}, answer.stop), piece: false };
    if (request.includeUsage) {
      const last = { ...head(answer, 'chat.completion.chunk'), choices: [], usage: usage(answer) };
      yield { sent: serverSent(last), piece: false };
    }
    yield { sent: 'data: [DONE]\n\n', piece: false };
  },

  failure: openAiFailure,
};

function messagesOf(messages: z.infer<typeof Body>['messages']): WireMessage[] {
  const tools = new Map<string, string>();
  return messages.map((message): WireMessage => {
    if (message.role === 'assistant') {
      const calls = message.tool_calls ?? [];
      for (const call of calls) tools.set(call.id, call.function.name);
      const written = calls.map((call) => call.function.name + call.function.arguments).join('');
      return { role: 'assistant', text: message.content + written };
    }
    if (message.role === 'tool')
      return { role: 'tool', tool: tools.get(message.tool_call_id) ?? '', text: message.content };
    return { role: message.role === 'user' ? 'user' : 'system', text: message.content };
  });
}

const head = (answer: WireAnswer, object: string) => ({
  id: `chatcmpl-${answer.id}`,
  object,
  created: answer.createdS,
  model: answer.model,
  system_fingerprint: 'fp_scripted',
});

const usage = ({ usage: { input, output, reasoning } }: WireAnswer) => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: input + output,
  prompt_tokens_details: { cached_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: reasoning },
});
