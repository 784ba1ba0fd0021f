import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../process/parse-json.ts';
import { createDialects } from './dialects.ts';

const RULES = createDialects();

function sealed(dialect: string, path: string, body: JsonObject, model: string, host: string): JsonObject {
  const rules = RULES.get(dialect);
  const route = rules?.route(path);
  assert.ok(rules && route);
  return rules.seal(
    rules.ask(route, body, () => true),
    { model, tokensPerChoice: 77, host },
  );
}

const messages = [{ role: 'user', content: 'hi' }];

test('the output limit goes under the one name that the provider honours, whichever was asked', () => {
  const cases: [host: string, model: string, name: string][] = [
    ['api.openai.com', 'gpt-4.1', 'max_completion_tokens'],
    ['api.openai.com', 'o3', 'max_completion_tokens'],
    ['api.groq.com', 'llama', 'max_completion_tokens'],
    ['my.openai.azure.com', 'gpt-5-mini', 'max_completion_tokens'],
    ['api.deepseek.com', 'deepseek-chat', 'max_tokens'],
    ['api.mistral.ai', 'mistral-large', 'max_tokens'],
    ['127.0.0.1', 'qwen3', 'max_tokens'],
  ];
  for (const [host, model, name] of cases)
    for (const asked of [{ max_tokens: 500 }, { max_completion_tokens: 500 }, {}]) {
      const body = sealed(
        'openai-chat',
        'chat/completions',
        { model: 'alias', messages, ...asked },
        model,
        host,
      );
      assert.equal(body[name], 77, `${host} ${model}`);
      assert.equal(['max_tokens', 'max_completion_tokens'].filter((key) => key in body).length, 1);
      assert.equal(body.model, model);
    }
});

test("a dearer default of the account's own is not used", () => {
  const chat = sealed('openai-chat', 'chat/completions', { model: 'm', messages }, 'm', 'api.openai.com');
  assert.deepEqual([chat.service_tier, chat.store], ['default', false]);
  const other = sealed('openai-chat', 'chat/completions', { model: 'm', messages }, 'm', 'api.mistral.ai');
  assert.deepEqual(['service_tier' in other, 'store' in other], [false, false]);
  const responses = sealed(
    'openai-responses',
    'responses',
    { model: 'm', input: 'x' },
    'm',
    'api.openai.com',
  );
  assert.deepEqual([responses.service_tier, responses.store], ['default', false]);
  const claude = sealed(
    'anthropic',
    'v1/messages',
    { model: 'm', messages, max_tokens: 5 },
    'm',
    'api.anthropic.com',
  );
  assert.equal(claude.service_tier, 'standard_only');
});

test('a thinking budget is part of the least that must be granted', () => {
  const rules = RULES.get('anthropic');
  const route = rules?.route('messages');
  assert.ok(rules && route);
  const ask = rules.ask(
    route,
    {
      model: 'm',
      messages,
      max_tokens: 9000,
      thinking: { type: 'enabled', budget_tokens: 5000 },
    },
    () => true,
  );
  assert.equal(ask.minTokens, 5256);
});

test('what Codex says of itself with each call is taken and not sent on', () => {
  const told = { model: 'm', input: 'x', client_metadata: { session_id: 's' } };
  const body = sealed('openai-responses', 'responses', told, 'm', 'api.openai.com');
  assert.deepEqual([body.input, 'client_metadata' in body], ['x', false]);
  assert.throws(() =>
    sealed('openai-responses', 'responses', { ...told, client_metadata: 'x' }, 'm', 'h.example'),
  );
});
