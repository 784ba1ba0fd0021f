import type { Dialect } from '@openlegion/contract/catalog';
import type { Refusal } from '@openlegion/contract/refusal';
import { anthropicError, openAiError } from './answer-error.ts';
import { createChatWriter } from './chat/create-chat-writer.ts';
import { readChatRequest } from './chat/read-chat-request.ts';
import { createMessagesWriter } from './messages/create-messages-writer.ts';
import { readMessagesRequest } from './messages/read-messages-request.ts';
import type { ReadWire } from './neutral-request.ts';
import { createResponsesWriter } from './responses/create-responses-writer.ts';
import { readResponsesRequest } from './responses/read-responses-request.ts';
import type { WireWriter, WriterOptions } from './wire-writer.ts';

/** What a client speaks. */
export interface Wire {
  /** Of providers that speak the same: their requests are passed through. */ dialect: Dialect;
  /** Below such a provider's base URL. */
  path: string;
  read: ReadWire;
  createWriter: (options: WriterOptions) => WireWriter;
  error: (status: number, refusal: Refusal) => object;
  /** What the last of a stream's events has, and no other place of it. */
  ending: RegExp;
}

export const WIRES: ReadonlyMap<string, Wire> = new Map<string, Wire>([
  [
    '/v1/chat/completions',
    {
      dialect: 'openai-chat',
      path: 'chat/completions',
      read: readChatRequest,
      createWriter: createChatWriter,
      error: openAiError,
      ending: /^data: ?\[DONE\]|^data: ?\{"error"|"finish_reason": ?"/m,
    },
  ],
  [
    '/v1/responses',
    {
      dialect: 'openai-responses',
      path: 'responses',
      read: readResponsesRequest,
      createWriter: createResponsesWriter,
      error: openAiError,
      ending: /^event: ?(?:response\.(?:completed|incomplete|failed)|error)\b/m,
    },
  ],
  [
    '/v1/messages',
    {
      dialect: 'anthropic',
      path: 'messages',
      read: readMessagesRequest,
      createWriter: createMessagesWriter,
      error: anthropicError,
      ending: /^event: ?(?:message_stop|error)\b/m,
    },
  ],
]);
