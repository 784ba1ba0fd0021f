import { z } from 'zod';
import type { Piece, WireAnswer } from '../wire-answer.ts';
import type { WireMessage } from '../wire-request.ts';
import { parseBody } from './parse-body.ts';
import type { WireDialect } from './wire-dialect.ts';

const Part = z.looseObject({
  text: z.string().optional(),
  functionCall: z.object({ name: z.string(), args: z.unknown().optional() }).optional(),
  functionResponse: z.object({ name: z.string(), response: z.unknown().optional() }).optional(),
});

const Result = z.object({
  output: z.unknown().optional(),
  content: z.unknown().optional(),
  result: z.unknown().optional(),
});

const Body = z.object({
  contents: z
    .array(z.object({ role: z.enum(['user', 'model', 'function']).default('user'), parts: z.array(Part) }))
    .min(1),
  systemInstruction: z.object({ parts: z.array(Part) }).nullish(),
  generationConfig: z.object({ maxOutputTokens: z.int().positive().nullish() }).nullish(),
});

/** `POST /v1beta/models/{model}:generateContent` and `:streamGenerateContent?alt=sse`. */
export const GOOGLE: WireDialect = {
  parse: (body, path) =>
    parseBody(Body, body, (read) => ({
      model: path?.model ?? '',
      stream: path?.stream ?? false,
      messages: [
        ...(read.systemInstruction
          ? [{ role: 'system' as const, text: textOf(read.systemInstruction.parts) }]
          : []),
        ...read.contents.flatMap(({ role, parts }) => messagesOf(role, parts)),
      ],
      maxOutputTokens: read.generationConfig?.maxOutputTokens ?? null,
      includeUsage: true,
    })),

  whole: (answer) =>
    response(
      answer,
      [
        ...(answer.reasoning === '' ? [] : [{ text: answer.reasoning, thought: true }]),
        ...(answer.text === '' ? [] : [{ text: answer.text }]),
        ...answer.calls.map((_, index) => callPart(answer, index)),
      ],
      true,
    ),

  *stream(answer, pieces) {
    const all = [...pieces].filter((piece) => piece.type !== 'call' || piece.first);
    for (const piece of all)
      yield { sent: sent(response(answer, [partOf(answer, piece)], false)), piece: true };
    yield { sent: sent(response(answer, [{ text: '' }], true)), piece: false };
  },

  failure: (status, message) => ({
    error: { code: status, message, status: STATUSES.get(status) ?? 'UNKNOWN' },
  }),
};

const STATUSES = new Map([
  [400, 'INVALID_ARGUMENT'],
  [401, 'UNAUTHENTICATED'],
  [403, 'PERMISSION_DENIED'],
  [404, 'NOT_FOUND'],
  [429, 'RESOURCE_EXHAUSTED'],
  [500, 'INTERNAL'],
  [503, 'UNAVAILABLE'],
  [504, 'DEADLINE_EXCEEDED'],
]);

/** Google ends its lines with CR LF. */
const sent = (data: unknown) => `data: ${JSON.stringify(data)}\r\n\r\n`;

function messagesOf(role: 'user' | 'model' | 'function', parts: z.infer<typeof Part>[]): WireMessage[] {
  if (role === 'model') {
    const calls = parts.map(({ functionCall }) =>
      functionCall ? functionCall.name + JSON.stringify(functionCall.args ?? {}) : '',
    );
    return [{ role: 'assistant', text: textOf(parts) + calls.join('') }];
  }
  const results = parts.flatMap(({ functionResponse }): WireMessage[] =>
    functionResponse
      ? [{ role: 'tool', tool: functionResponse.name, text: resultText(functionResponse.response) }]
      : [],
  );
  const text = textOf(parts);
  return results.length === 0 || text !== '' ? [...results, { role: 'user', text }] : results;
}

const textOf = (parts: z.infer<typeof Part>[]) => parts.map(({ text }) => text ?? '').join('');

/** A response is an object; by custom its text is in `output`, `content` or `result`. */
function resultText(response: unknown): string {
  const object = Result.safeParse(response);
  const text = object.success ? (object.data.output ?? object.data.content ?? object.data.result) : response;
  return typeof text === 'string' ? text : JSON.stringify(text ?? response ?? '');
}

function partOf(answer: WireAnswer, piece: Piece): object {
  if (piece.type === 'call') return callPart(answer, piece.index);
  return piece.type === 'reasoning' ? { text: piece.text, thought: true } : { text: piece.text };
}

/** Google sends a call whole. */
function callPart(answer: WireAnswer, index: number): object {
  const call = answer.calls[index];
  return { functionCall: { id: call?.id, name: call?.tool, args: JSON.parse(call?.arguments ?? '{}') } };
}

function response(answer: WireAnswer, parts: object[], last: boolean): object {
  const { input, output, reasoning } = answer.usage;
  return {
    candidates: [
      {
        content: { role: 'model', parts },
        ...(last ? { finishReason: answer.stop === 'length' ? 'MAX_TOKENS' : 'STOP' } : {}),
        index: 0,
      },
    ],
    usageMetadata: {
      promptTokenCount: input,
      candidatesTokenCount: last ? output - reasoning : 0,
      ...(reasoning > 0 ? { thoughtsTokenCount: reasoning } : {}),
      totalTokenCount: last ? input + output : input,
    },
    modelVersion: answer.model,
    responseId: answer.id,
  };
}
