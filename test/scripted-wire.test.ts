import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError } from '@ai-sdk/provider';
import { createScriptedServer } from '../packages/scripted/src/scripted-server.ts';

/* The scripted model against the maintained clients of the providers whose wire it speaks. */

const SCRIPT = String.raw`
rules:
  - when: { user: '/weather in (\w+)/', round: 0 }
    answer:
      text: I shall look at two sources.
      calls:
        - { tool: get_weather, arguments: { city: '{{1}}', days: 3, deep: [{ said: 'in {{1}}' }] } }
        - { tool: get_time, arguments: {} }
  - when: { tool: get_weather, result: '/temp=(\d+)/' }
    answer: { text: 'It is {{1}} degrees, said {{round}} round later.' }
  - when: { user: think }
    answer: { reasoning: First this and then that and then the other., text: Thought about. , usage: { input: 1000, output: 77 } }
  - when: { user: limited }
    answer: { error: { status: 429, message: 'Too fast, {{user}}', retry_after_s: 9 } }
  - when: { user: broken early }
    answer: { text: never seen by anyone at all, break_after: 0 }
  - when: { user: broken late }
    answer: { text: some of this is seen and the rest of it is not seen, break_after: 1 }
otherwise: { text: 'System {{system}}; user {{user}}.' }
`;

const TOOLS = ['get_weather', 'get_time'].map((name) => ({
  type: 'function' as const,
  name,
  description: name,
  inputSchema: { type: 'object' as const, properties: {}, additionalProperties: true },
}));

type Model = ReturnType<ReturnType<typeof createOpenAI>['chat']>;
type Prompt = Parameters<Model['doStream']>[0]['prompt'];
type Part = Awaited<ReturnType<Model['doStream']>>['stream'] extends ReadableStream<infer P> ? P : never;

const directory = mkdtempSync(join(tmpdir(), 'scripted-wire-'));
writeFileSync(join(directory, 'sample.yaml'), SCRIPT);
const server = createScriptedServer({ scriptsDirectory: directory });
let origin = '';

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.close();
  server.closeAllConnections();
  rmSync(directory, { recursive: true });
});

const user = (text: string): Prompt => [
  { role: 'system', content: 'Be brief' },
  { role: 'user', content: [{ type: 'text', text }] },
];

const CLIENTS: Record<string, (name: string) => Model> = {
  'openai chat': (name) => createOpenAI({ apiKey: 'none', baseURL: `${origin}/v1` }).chat(name),
  'openai responses': (name) => createOpenAI({ apiKey: 'none', baseURL: `${origin}/v1` }).responses(name),
  'openai-compatible': (name) =>
    createOpenAICompatible({ name: 'scripted', baseURL: `${origin}/v1`, includeUsage: true }).chatModel(name),
  anthropic: (name) => createAnthropic({ apiKey: 'none', baseURL: `${origin}/v1` })(name),
  google: (name) => createGoogleGenerativeAI({ apiKey: 'none', baseURL: `${origin}/v1beta` })(name),
};

async function stream(model: Model, prompt: Prompt, maxOutputTokens?: number) {
  const answer = await model.doStream({
    prompt,
    tools: TOOLS,
    ...(maxOutputTokens ? { maxOutputTokens } : {}),
  });
  const parts: Part[] = [];
  for await (const part of answer.stream) parts.push(part);
  const text = parts.map((part) => (part.type === 'text-delta' ? part.delta : '')).join('');
  const reasoning = parts.map((part) => (part.type === 'reasoning-delta' ? part.delta : '')).join('');
  const calls = parts.filter((part) => part.type === 'tool-call');
  const finish = parts.find((part) => part.type === 'finish');
  const errors = parts.filter((part) => part.type === 'error');
  return { parts, text, reasoning, calls, finish, errors };
}

for (const [name, create] of Object.entries(CLIENTS)) {
  describe(`the ${name} client`, () => {
    test('streams a text in several pieces, with its usage', async () => {
      const { text, finish, errors, parts } = await stream(create('sample'), user('hello'));
      assert.equal(text, 'System Be brief; user hello.');
      assert.ok(parts.filter((part) => part.type === 'text-delta').length > 1);
      assert.deepEqual(errors, []);
      assert.equal(finish?.finishReason.unified, 'stop');
      assert.equal(finish?.usage.inputTokens.total, Math.ceil('Be briefhello'.length / 4));
      assert.equal(finish?.usage.outputTokens.total, Math.ceil(text.length / 4));
    });

    test('reads the same answer when it is not streamed', async () => {
      const answer = await create('sample').doGenerate({ prompt: user('hello') });
      assert.deepEqual(
        answer.content.map((part) => (part.type === 'text' ? part.text : part.type)),
        ['System Be brief; user hello.'],
      );
      assert.equal(answer.usage.inputTokens.total, 4);
      assert.equal(answer.usage.outputTokens.total, 7);
    });

    test('gets two calls at once, their arguments filled in, and answers from a result', async () => {
      const { text, calls, finish, errors } = await stream(create('sample'), user('weather in Bern?'));
      assert.deepEqual(errors, []);
      assert.equal(text, 'I shall look at two sources.');
      assert.equal(finish?.finishReason.unified, 'tool-calls');
      assert.deepEqual(
        calls.map((call) => [call.toolName, JSON.parse(call.input)]),
        [
          ['get_weather', { city: 'Bern', days: 3, deep: [{ said: 'in Bern' }] }],
          ['get_time', {}],
        ],
      );
      assert.equal(new Set(calls.map((call) => call.toolCallId)).size, 2);

      const whole = await create('sample').doGenerate({ prompt: user('weather in Bern?'), tools: TOOLS });
      assert.deepEqual(
        whole.content
          .filter((part) => part.type === 'tool-call')
          .map((call) => [call.toolName, JSON.parse(call.input)]),
        calls.map((call) => [call.toolName, JSON.parse(call.input)]),
      );

      const next = await stream(create('sample'), [
        ...user('weather in Bern?'),
        {
          role: 'assistant',
          content: [
            { type: 'text', text },
            ...calls.map(({ toolCallId, toolName, input }) => ({
              type: 'tool-call' as const,
              toolCallId,
              toolName,
              input: JSON.parse(input),
            })),
          ],
        },
        {
          role: 'tool',
          content: calls.map(({ toolCallId, toolName }, index) => ({
            type: 'tool-result' as const,
            toolCallId,
            toolName,
            output: { type: 'text' as const, value: index === 0 ? 'temp=21' : 'noon' },
          })),
        },
      ]);
      assert.equal(next.text, 'It is 21 degrees, said 1 round later.');
    });

    test('usage is what the script says; reasoning arrives as reasoning where the client knows it', async () => {
      const { text, reasoning, finish } = await stream(create('sample'), user('think'));
      assert.equal(text, 'Thought about.');
      // OpenAI's own chat completions have no field for it.
      if (name !== 'openai chat') assert.equal(reasoning, 'First this and then that and then the other.');
      assert.equal(finish?.usage.inputTokens.total, 1000);
      assert.equal(finish?.usage.outputTokens.total, 77);
    });

    test('is cut at its limit of output tokens', async () => {
      const { text, finish } = await stream(create('sample'), user('hello'), 2);
      assert.equal(text, 'System B');
      assert.equal(finish?.finishReason.unified, 'length');
    });

    test('reads an error, its status and when to come back', async () => {
      await assert.rejects(stream(create('sample'), user('limited')), (error) => {
        assert.ok(APICallError.isInstance(error));
        assert.equal(error.message, 'Too fast, limited');
        assert.equal(error.statusCode, 429);
        assert.equal(error.isRetryable, true);
        assert.equal(error.responseHeaders?.['retry-after'], '9');
        return true;
      });
    });

    test('is told which scripts there are', async () => {
      await assert.rejects(
        stream(create('nobody'), user('hello')),
        /no script "nobody".*there are: sample\./,
      );
    });

    test('a stream that breaks is never taken for a whole answer', async () => {
      const textUntilBroken = async (prompt: string): Promise<string> => {
        let seen = '';
        await assert.rejects(async () => {
          const answer = await create('sample').doStream({ prompt: user(prompt) });
          for await (const part of answer.stream) {
            if (part.type === 'text-delta') seen += part.delta;
            if (part.type === 'error') throw part.error;
          }
        });
        return seen;
      };
      assert.equal(await textUntilBroken('broken late'), 'some of this is seen and ');
      assert.equal(await textUntilBroken('broken early'), '');
      await assert.rejects(Promise.resolve(create('sample').doGenerate({ prompt: user('broken late') })));
    });
  });
}

test('embeddings: the same text gets the same unit vector, in both encodings', async () => {
  const model = createOpenAI({ apiKey: 'none', baseURL: `${origin}/v1` }).embedding('any');
  const { embeddings, usage } = await model.doEmbed({
    values: ['a red fox', 'a red fox', 'the red fox', 'rates'],
  });
  assert.deepEqual(embeddings[0], embeddings[1]);
  const dot = (left: number[] = [], right: number[] = []) =>
    left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0);
  assert.ok(Math.abs(dot(embeddings[0], embeddings[0]) - 1) < 1e-6);
  assert.ok(dot(embeddings[0], embeddings[2]) > dot(embeddings[0], embeddings[3]));
  assert.equal(usage?.tokens, 3 + 3 + 3 + 2);
});
