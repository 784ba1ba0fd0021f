import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { dialectOf, type FakeAnswer, startEndpoint } from './harness/model-endpoint-rig.ts';
import { OVERLOADED, streamOf } from './harness/provider-shapes.ts';
import {
  anthropic,
  CLIENTS,
  chat,
  chatTools,
  MODELS,
  messages,
  openai,
  PIXEL,
  SCHEMA,
  startShape,
} from './harness/sdk-clients.ts';

for (const client of CLIENTS) {
  for (const model of MODELS) {
    const own = dialectOf(model) === client.dialect;
    describe(`${client.name} to ${model}`, () => {
      // Whole answers of a provider of the same dialect are its own bytes: see "passed through" below.
      for (const stream of own ? [true] : [false, true]) {
        const how = stream ? 'streamed' : 'whole';
        test(`text, end and usage, ${how}`, async () => {
          await using rig = await startShape(model, 'text');
          const seen = await client.ask(rig, stream, 'text');
          if (client.dialect !== 'openai-responses' || !own) assert.equal(seen.text, 'Paris it is.');
          assert.equal(seen.ended, client.ends.text);
          // Anthropic counts no reasoning of its own.
          const reasoning = dialectOf(model) === 'anthropic' ? seen.usage[3] : 12;
          assert.deepEqual(seen.usage, [120, 40, 30, reasoning]);
        });

        test(`reasoning and two calls at once, ${how}`, { skip: own }, async () => {
          await using rig = await startShape(model, 'calls');
          const seen = await client.ask(rig, stream, 'calls');
          assert.deepEqual(seen.calls, [
            { name: 'weather', input: { city: 'Paris' } },
            { name: 'weather', input: { city: 'Rome' } },
          ]);
          assert.equal(seen.text, 'I look.');
          assert.equal(seen.ended, client.ends.calls);
          // OpenAI's helper for streams keeps the last piece of a field it does not know.
          assert.match(seen.reasoning, client === chat && stream ? /places\.$/ : /^Two places\.$/);
        });

        test(`cut and filtered answers, ${how}`, { skip: own }, async () => {
          for (const shape of ['cut', 'filtered'] as const) {
            await using rig = await startShape(model, shape);
            assert.equal((await client.ask(rig, stream, shape)).ended, client.ends[shape]);
          }
        });

        test(`a stream that breaks is an error and never an end, ${how}`, async () => {
          const whole = streamOf(dialectOf(model), 'text');
          const breaks: FakeAnswer[] = [
            { body: streamOf(dialectOf(model), 'error') },
            { body: [...whole.slice(0, 3), new Error('reset')] },
          ];
          if (dialectOf(model) !== 'google') breaks.push({ body: whole.slice(0, 3) });
          for (const answer of dialectOf(model) === 'google' ? breaks.slice(0, 1) : breaks) {
            await using rig = await startEndpoint({ chain: [model], answer: () => answer });
            await assert.rejects(client.ask(rig, stream, 'error'), /broke off|had an error|verloaded/);
          }
        });
      }

      test('tools are used over two calls, and signatures go back to where they came from', {
        skip: own,
      }, async () => {
        await using rig = await startShape(model, 'calls', 'text');
        assert.equal(await client.useTools(rig), 'Paris it is.');
        const again = JSON.stringify(rig.calls[1]?.body);
        assert.equal(again.match(/sun for/g)?.length, 2);
        assert.doesNotMatch(again, /olr1\./);
        if (dialectOf(model) === 'google') assert.match(again, /"thoughtSignature":"signed-1"/);
        if (dialectOf(model) === 'openai-responses') assert.match(again, /"encrypted_content":"sealed-1"/);
        if (dialectOf(model) === 'anthropic') assert.match(again, /"signature":"signed-1"/);
      });

      test('an overload is told with the provider’s status, in the client’s own error', async () => {
        const { status, body } = OVERLOADED[dialectOf(model)];
        await using rig = await startEndpoint({
          chain: [model],
          answer: () => ({ status, headers: { 'retry-after': '7' }, body }),
        });
        await assert.rejects(client.ask(rig, true, 'text'), (error: unknown) => {
          const Errors = client === messages ? Anthropic.APIError : OpenAI.APIError;
          assert.ok(error instanceof Errors);
          assert.equal(error.status, status);
          assert.equal(error.headers?.get('retry-after'), '7');
          assert.match(error.message, /verloaded|Rate limit reached/);
          return true;
        });
      });
    });
  }
}

describe('what a request holds arrives in every dialect', () => {
  for (const model of MODELS) {
    test(`an image, settings, a chosen tool and a schema: ${model}`, async () => {
      await using rig = await startShape(model, 'text');
      await openai(rig).chat.completions.create({
        model,
        messages: [
          { role: 'system', content: 'Be brief.' },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'What is it?' },
              { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } },
            ],
          },
        ],
        tools: chatTools,
        tool_choice: { type: 'function', function: { name: 'weather' } },
        parallel_tool_calls: false,
        max_completion_tokens: 777,
        stop: ['END'],
        stream: true,
      });
      await openai(rig).responses.create({
        model,
        input: 'Answer in JSON.',
        text: { format: { type: 'json_schema', name: 'place', schema: SCHEMA, strict: true } },
        stream: true,
      });
      const [first, second] = rig.calls.map(({ body, path }) => JSON.stringify([path, body]));
      for (const part of [PIXEL, 'Be brief.', 'What is it?', '777', 'weather'])
        assert.ok(first?.includes(part), `${part} in ${first}`);
      if (dialectOf(model) !== 'openai-responses') assert.match(first ?? '', /END/);
      assert.match(second ?? '', /"city"/);
    });
  }

  test('an image by its address is refused, and nobody fetches it', async () => {
    await using rig = await startShape('google/gemini-2.5-flash', 'text');
    const image_url = { url: 'https://example.com/a.png' };
    await assert.rejects(
      openai(rig).chat.completions.create({
        model: 'x',
        messages: [{ role: 'user', content: [{ type: 'image_url', image_url }] }],
      }),
      (error: unknown) => error instanceof OpenAI.BadRequestError && /only as base64/.test(error.message),
    );
    assert.deepEqual(rig.calls, []);
  });

  test('what has no translation is refused and named', async () => {
    await using rig = await startShape('google/gemini-2.5-flash', 'text');
    const create = (more: object) =>
      openai(rig).responses.create({ model: 'x', input: 'hi', ...more } as { model: string; input: string });
    for (const [field, value] of Object.entries({
      previous_response_id: 'resp_1',
      background: true,
      conversation: 'conv_1',
      tools: [{ type: 'web_search' }],
    }))
      await assert.rejects(create({ [field]: value }), new RegExp(`400 ${field}`));
    assert.deepEqual(rig.calls, []);
  });
});

describe('passed through to a provider of the same dialect', () => {
  test('the body is the client’s own but for the model’s name, and the answer is the provider’s own', async () => {
    const answer = { id: 'chatcmpl-9', object: 'chat.completion', choices: [], anything: { else: 1 } };
    await using rig = await startEndpoint({ chain: ['local/qwen3'], answer: () => ({ body: answer }) });
    const body = { messages: [{ role: 'user' as const, content: 'hi' }], user: 'me', logit_bias: { '5': 1 } };
    const got = await openai(rig).chat.completions.create({ model: 'gpt-4o', ...body });
    assert.deepEqual(JSON.parse(JSON.stringify(got)), answer);
    assert.deepEqual(rig.calls[0]?.body, { model: 'qwen3', ...body });
    assert.deepEqual(Object.keys(rig.calls[0]?.headers ?? {}), ['content-type', 'accept']);
  });

  test('a text that speaks of such an envelope changes nothing', async () => {
    await using rig = await startShape('anthropic/claude-haiku-4-5', 'text');
    const body = {
      max_tokens: 4000,
      thinking: { type: 'enabled' as const, budget_tokens: 1024 },
      messages: [{ role: 'user' as const, content: 'what is olr1.abc?' }],
    };
    await anthropic(rig)
      .messages.stream({ model: 'x', ...body })
      .finalMessage();
    assert.deepEqual(rig.calls[0]?.body, { model: 'claude-haiku-4-5', ...body, stream: true });
  });

  test('reasoning that another dialect signed does not go along', async () => {
    await using first = await startShape('google/gemini-2.5-flash', 'calls');
    const { content } = await anthropic(first).messages.create({
      model: 'x',
      max_tokens: 4000,
      thinking: { type: 'enabled', budget_tokens: 1024 },
      messages: [{ role: 'user', content: 'hi' }],
    });
    await using second = await startShape('anthropic/claude-haiku-4-5', 'text');
    const results = content.flatMap((block) =>
      block.type === 'tool_use' ? [{ type: 'tool_result' as const, tool_use_id: block.id }] : [],
    );
    await anthropic(second)
      .messages.stream({
        model: 'x',
        max_tokens: 4000,
        thinking: { type: 'enabled', budget_tokens: 1024 },
        messages: [
          { role: 'user', content: 'hi' },
          { role: 'assistant', content },
          { role: 'user', content: results },
        ],
      })
      .finalMessage();
    const sent = JSON.stringify(second.calls[0]?.body);
    assert.match(sent, /tool_use/);
    assert.doesNotMatch(sent, /olr1\.|thinking/);
  });
});
