import type { Dialect } from '@openlegion/contract/catalog';
import anthropic from '../../dialects/anthropic.json' with { type: 'json' };
import google from '../../dialects/google.json' with { type: 'json' };
import openAiChat from '../../dialects/openai-chat.json' with { type: 'json' };
import openAiResponses from '../../dialects/openai-responses.json' with { type: 'json' };
import { createDialect, type DialectRules } from './dialect.ts';

/** The rules of every dialect, by its name in the catalog. */
export function createDialects(): ReadonlyMap<string, DialectRules> {
  const rules: { [D in Dialect]: DialectRules } = {
    'openai-chat': createDialect(openAiChat),
    'openai-responses': createDialect(openAiResponses),
    anthropic: createDialect(anthropic),
    google: createDialect(google),
  };
  return new Map(Object.entries(rules));
}
