import type { Dialect } from '@openlegion/contract/catalog';
import { anthropic } from './anthropic.ts';
import type { DialectRules } from './dialect.ts';
import { google } from './google.ts';
import { openAiChat } from './openai-chat.ts';
import { openAiResponses } from './openai-responses.ts';

const RULES: { [D in Dialect]: DialectRules } = {
  'openai-chat': openAiChat,
  'openai-responses': openAiResponses,
  anthropic,
  google,
};

/** The rules of every dialect, by its name in the catalog. */
export const DIALECTS: ReadonlyMap<string, DialectRules> = new Map(Object.entries(RULES));
