import assert from 'node:assert/strict';
import { request } from 'node:http';
import { describe, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import type { Dialect } from '@openlegion/contract/catalog';
import OpenAI from 'openai';
import { dialectOf, type EndpointRig, type FakeAnswer, startEndpoint } from './harness/model-endpoint-rig.ts';
import { OVERLOADED, type Shape, streamOf } from './harness/provider-shapes.ts';

/* The official clients, unmodified, against providers of every dialect. */

const MODELS = ['openai/gpt-5-mini', 'anthropic/claude-haiku-4-5', 'google/gemini-2.5-flash', 'local/qwen3'];
const SCHEMA = {
  type: 'object' as const,
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const QUESTION = 'Is it Paris?';

const openai = ({ url }: EndpointRig) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', maxRetries: 0 });
const anthropic = ({ url }: EndpointRig) => new Anthropic({ baseURL: url, apiKey: 'any', maxRetries: 0 });

/** What a program makes of an answer, in one form for the three interfaces. */
interface Seen {
  text: string;
  reasoning: string;
  calls: { name: string; input: unknown }[];
  ended: string | null | undefined;
  usage: (number | null | undefined)[];
}

interface Client {
  name: string;
  dialect: Dialect;
  /** How it says: whole, wants tools, was cut, was filtered. */
  ends: Record<Exclude<Shape, 'error'>, string>;
  ask(rig: EndpointRig, stream: boolean, shape: Shape): Promise<Seen>;
  /** Asks, runs the tools, and asks again with all that was answered. */
  useTools(rig: EndpointRig): Promise<string>;
}

const chatTools = [{ type: 'function' as const, function: { name: 'weather', parameters: SCHEMA } }];
const responsesTools = [{ type: 'function' as const, name: 'weather', parameters: SCHEMA, strict: true }];
const messagesTools = [{ name: 'weather', input_schema: SCHEMA }];

const chat: Client = {
  name: 'chat completions',
  dialect: 'openai-chat',
  ends: { text: 'stop', calls: 'tool_calls', cut: 'length', filtered: 'content_filter' },
  async ask(rig, stream) {
    const body = {
      model: 'gpt-4o',
      messages: [{ role: 'user' as const, content: QUESTION }],
      tools: chatTools,
      reasoning_effort: 'low' as const,
    };
    const completions = openai(rig).chat.completions;
    const done = stream
      ? await completions.stream({ ...body, stream_options: { include_usage: true } }).finalChatCompletion()
      : await completions.create(body);
    const [choice] = done.choices;
    const { usage } = done;
    return {
      text: choice?.message.content ?? '',
      reasoning: String(Reflect.get(choice?.message ?? {}, 'reasoning_content') ?? ''),
      calls: (choice?.message.tool_calls ?? []).flatMap((call) =>
        call.type === 'function'
          ? [{ name: call.function.name, input: JSON.parse(call.function.arguments) }]
          : [],
      ),
      ended: choice?.finish_reason,
      usage: [
        usage?.prompt_tokens,
        usage?.prompt_tokens_details?.cached_tokens,
        usage?.completion_tokens,
        usage?.completion_tokens_details?.reasoning_tokens,
      ],
    };
  },
  async useTools(rig) {
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: QUESTION }];
    const { completions } = openai(rig).chat;
    const first = await completions.create({ model: 'default', messages, tools: chatTools });
    const message = first.choices[0]?.message;
    assert.ok(message?.tool_calls);
    messages.push(message);
    for (const { id } of message.tool_calls)
      messages.push({ role: 'tool', tool_call_id: id, content: `sun for ${id}` });
    const last = await completions.create({ model: 'default', messages, tools: chatTools });
    return last.choices[0]?.message.content ?? '';
  },
};

const responses: Client = {
  name: 'responses',
  dialect: 'openai-responses',
  ends: { text: 'completed', calls: 'completed', cut: 'max_output_tokens', filtered: 'content_filter' },
  async ask(rig, stream) {
    const body = {
      model: 'gpt-4o',
      input: QUESTION,
      tools: responsesTools,
      reasoning: { effort: 'low' as const },
    };
    const client = openai(rig).responses;
    const done = stream ? await client.stream(body).finalResponse() : await client.create(body);
    return {
      text: done.output_text,
      reasoning: done.output
        .flatMap((item) => (item.type === 'reasoning' ? item.summary.map(({ text }) => text) : []))
        .join(''),
      calls: done.output.flatMap((item) =>
        item.type === 'function_call' ? [{ name: item.name, input: JSON.parse(item.arguments) }] : [],
      ),
      ended: done.incomplete_details?.reason ?? done.status,
      usage: [
        done.usage?.input_tokens,
        done.usage?.input_tokens_details.cached_tokens,
        done.usage?.output_tokens,
        done.usage?.output_tokens_details.reasoning_tokens,
      ],
    };
  },
  async useTools(rig) {
    const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: QUESTION }];
    const client = openai(rig).responses;
    const first = await client.create({ model: 'default', input, tools: responsesTools, store: false });
    input.push(...(first.output as OpenAI.Responses.ResponseInput));
    for (const item of first.output)
      if (item.type === 'function_call')
        input.push({
          type: 'function_call_output',
          call_id: item.call_id,
          output: `sun for ${item.call_id}`,
        });
    return (await client.create({ model: 'default', input, tools: responsesTools, store: false }))
      .output_text;
  },
};

const messages: Client = {
  name: 'messages',
  dialect: 'anthropic',
  ends: { text: 'end_turn', calls: 'tool_use', cut: 'max_tokens', filtered: 'refusal' },
  async ask(rig, stream) {
    const body = {
      model: 'claude-x',
      max_tokens: 4000,
      messages: [{ role: 'user' as const, content: QUESTION }],
      tools: messagesTools,
      thinking: { type: 'enabled' as const, budget_tokens: 2000 },
    };
    const client = anthropic(rig).messages;
    const done = stream ? await client.stream(body).finalMessage() : await client.create(body);
    const { usage } = done;
    return {
      text: done.content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
      reasoning: done.content.map((block) => (block.type === 'thinking' ? block.thinking : '')).join(''),
      calls: done.content.flatMap((block) =>
        block.type === 'tool_use' ? [{ name: block.name, input: block.input }] : [],
      ),
      ended: done.stop_reason,
      usage: [
        usage.input_tokens + (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0),
        usage.cache_read_input_tokens,
        usage.output_tokens,
        usage.output_tokens_details?.thinking_tokens,
      ],
    };
  },
  async useTools(rig) {
    const said: Anthropic.MessageParam[] = [{ role: 'user', content: QUESTION }];
    const body = { model: 'default', max_tokens: 4000, tools: messagesTools };
    const client = anthropic(rig).messages;
    const first = await client.create({ ...body, messages: said });
    said.push({ role: 'assistant', content: first.content });
    said.push({
      role: 'user',
      content: first.content.flatMap((block) =>
        block.type === 'tool_use'
          ? [{ type: 'tool_result' as const, tool_use_id: block.id, content: `sun for ${block.id}` }]
          : [],
      ),
    });
    const last = await client.create({ ...body, messages: said });
    return last.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  },
};

const CLIENTS = [chat, responses, messages];
const startShape = (model: string, ...shapes: Shape[]) =>
  startEndpoint({
    chain: [model],
    answer: (_call, nth) => ({
      body: streamOf(dialectOf(model), shapes[Math.min(nth, shapes.length - 1)] ?? 'text'),
    }),
  });

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

describe('routing', () => {
  const ask = (rig: EndpointRig, model: string) =>
    openai(rig).chat.completions.create({ model, messages: [{ role: 'user', content: 'hi' }], stream: true });
  const textOf = async (stream: AsyncIterable<OpenAI.ChatCompletionChunk>) => {
    let text = '';
    for await (const { choices } of stream) text += choices[0]?.delta.content ?? '';
    return text;
  };

  test('a model by its whole name; any other name is the agent’s own; one not granted is refused', async () => {
    await using rig = await startEndpoint({
      chain: ['local/qwen3', 'google/gemini-2.5-flash'],
      answer: ({ path }) => ({
        body: streamOf(path.includes('google') ? 'google' : 'openai-chat', 'text'),
      }),
    });
    await textOf(await ask(rig, 'google/gemini-2.5-flash'));
    await textOf(await ask(rig, 'gpt-4o'));
    await textOf(await ask(rig, 'default'));
    assert.deepEqual(
      rig.calls.map(({ path }) => path.split('?')[0]),
      [
        '/llm/google/models/gemini-2.5-flash:streamGenerateContent',
        '/llm/local/chat/completions',
        '/llm/local/chat/completions',
      ],
    );
    await assert.rejects(ask(rig, 'openai/gpt-5'), OpenAI.PermissionDeniedError);
  });

  test('fails over before the first byte, through dialects, and tells the route what failed', async () => {
    const failures: FakeAnswer[] = [
      OVERLOADED['openai-chat'],
      { body: [new Error('reset')] },
      { status: 401, body: { type: 'error', error: { type: 'authentication_error', message: 'no' } } },
      { body: streamOf('openai-chat', 'error').slice(1) },
    ];
    for (const failure of failures) {
      await using rig = await startEndpoint({
        chain: ['local/qwen3', 'anthropic/claude-haiku-4-5'],
        answer: (_call, nth) => (nth === 0 ? failure : { body: streamOf('anthropic', 'text') }),
      });
      assert.equal(await textOf(await ask(rig, 'default')), 'Paris it is.');
      assert.deepEqual(rig.routes.at(-1), { model: 'local/qwen3', failed: ['local/qwen3'] });
    }
  });

  test('at the end of the chain the last failure is told; each model is tried once', async () => {
    await using rig = await startEndpoint({
      chain: MODELS,
      answer: ({ path }) => OVERLOADED[dialectOf(path.slice('/llm/'.length))],
    });
    await assert.rejects(ask(rig, 'default'), /503 .*overloaded/i);
    assert.equal(rig.calls.length, MODELS.length);
  });

  test('a bad request and a refusal of ours do not fail over', async () => {
    const error = { type: 'openlegion_refusal', rule: 'budget.daily', message: 'spent', remedy: 'wait' };
    const answers: [number, object][] = [
      [400, { error: { message: 'bad', type: 'invalid_request_error' } }],
      [402, { type: 'error', error: { ...error, code: 'budget_exceeded' } }],
      [403, { type: 'error', error: { ...error, code: 'denied' } }],
    ];
    for (const model of ['local/qwen3', 'google/gemini-2.5-flash']) {
      for (const [status, body] of answers) {
        await using rig = await startEndpoint({ chain: [model, 'x/y'], answer: () => ({ status, body }) });
        await assert.rejects(ask(rig, 'default'), (thrown: unknown) => {
          assert.ok(thrown instanceof OpenAI.APIError);
          assert.equal(thrown.status, status);
          if (status !== 400) assert.equal(Reflect.get(thrown.error ?? {}, 'rule'), 'budget.daily');
          return true;
        });
        assert.equal(rig.calls.length, 1);
      }
    }
  });

  test('a client that leaves ends the call on the pipe', async () => {
    for (const model of MODELS) {
      const dialect = dialectOf(model);
      await using rig = await startEndpoint({
        chain: [model],
        answer: () => ({
          body: [...streamOf(dialect, 'text').slice(0, dialect === 'google' ? 1 : 4), 'never'],
        }),
      });
      const stream = await ask(rig, 'default');
      for await (const _chunk of stream) break;
      const { signal } = rig.calls[0] ?? {};
      assert.ok(signal);
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    }
  });
});

describe('other routes', () => {
  test('models, for both clients', async () => {
    await using rig = await startEndpoint({ chain: MODELS, answer: () => assert.fail() });
    const ids: string[] = [];
    for await (const { id } of openai(rig).models.list()) ids.push(id);
    assert.deepEqual(ids, MODELS);
    const listed = await anthropic(rig).models.list();
    assert.equal(listed.data[0]?.display_name, MODELS[0]);
    assert.equal((await openai(rig).models.retrieve('local/qwen3')).owned_by, 'local');
    await assert.rejects(openai(rig).models.retrieve('local/other'), OpenAI.NotFoundError);
  });

  test('tokens are estimated, without a call', async () => {
    await using rig = await startEndpoint({ chain: MODELS, answer: () => assert.fail() });
    const { input_tokens } = await anthropic(rig).messages.countTokens({
      model: 'x',
      messages: [{ role: 'user', content: 'word '.repeat(700) }],
    });
    assert.ok(input_tokens > 700 && input_tokens < 1400, String(input_tokens));
  });

  test('embeddings of OpenAI pass through, of Google are translated, of Anthropic do not exist', async () => {
    await using rig = await startEndpoint({
      chain: ['local/qwen3', 'local/embed-1', 'google/embed-2', 'anthropic/embed-3'],
      answer: ({ path }) =>
        path.includes('google')
          ? { body: { embeddings: [{ values: [0.5, -1] }, { values: [0.25, 2] }] } }
          : {
              body: {
                object: 'list',
                model: 'embed-1',
                data: [{ object: 'embedding', index: 0, embedding: [0.5, -1] }],
                usage: { prompt_tokens: 2, total_tokens: 2 },
              },
            },
    });
    const { embeddings } = openai(rig);
    const one = await embeddings.create({ model: 'embed-1', input: 'a', encoding_format: 'float' });
    assert.deepEqual(one.data[0]?.embedding, [0.5, -1]);
    assert.equal(rig.calls[0]?.path, '/llm/local/embeddings');
    // Without a format the client asks for base64 and decodes it.
    const two = await embeddings.create({ model: 'google/embed-2', input: ['a', 'b'], dimensions: 2 });
    assert.deepEqual(
      two.data.map(({ embedding }) => [...embedding]),
      [
        [0.5, -1],
        [0.25, 2],
      ],
    );
    await assert.rejects(
      embeddings.create({ model: 'anthropic/embed-3', input: 'a' }),
      /makes no embeddings/,
    );
    await assert.rejects(embeddings.create({ model: 'local/nothing', input: 'a' }), OpenAI.NotFoundError);
  });

  test('a service gets method, path, headers and body as they are; its answer comes back so', async () => {
    await using rig = await startEndpoint({
      chain: MODELS,
      answer: () => ({ status: 418, headers: { 'x-more': 'yes' }, body: { got: 1 } }),
    });
    const answer = await fetch(`${rig.url}/services/github/repos/a%2Fb?x=1`, {
      method: 'PATCH',
      headers: { authorization: 'Bearer $CRED{github}', 'x-own': '1' },
      body: 'raw',
    });
    assert.equal(answer.status, 418);
    assert.equal(answer.headers.get('x-more'), 'yes');
    assert.deepEqual(await answer.json(), { got: 1 });
    const [call] = rig.calls;
    assert.equal(call?.method, 'PATCH');
    assert.equal(call?.path, '/services/github/repos/a%2Fb?x=1');
    assert.equal(call?.headers.authorization, 'Bearer $CRED{github}');
    assert.equal(call?.headers.host, undefined);
    assert.equal(call?.body.text, 'raw');
  });
});

describe('what is not answered', () => {
  const send = (
    rig: EndpointRig,
    path: string,
    headers: Record<string, string>,
    method = 'POST',
    body = '{}',
  ) =>
    new Promise<number | undefined>((resolve, reject) => {
      const sent = request(rig.url + path, { method, headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      sent.on('error', reject);
      if (method === 'POST') sent.end(body);
      else sent.end();
    });

  test('a page in the agent’s browser, and a name that only resolves to it', async () => {
    await using rig = await startShape('local/qwen3', 'text');
    const paths = ['/v1/chat/completions', '/v1/models', '/services/github/x'];
    const { port } = new URL(rig.url);
    for (const path of paths) {
      for (const headers of [
        { origin: 'https://evil.example' },
        { origin: 'null' },
        { 'sec-fetch-site': 'none' },
        { host: `evil.example:${port}` },
        { host: `127.0.0.1` },
        { host: `127.0.0.1.evil.example:${port}` },
        { host: `[::1]:${port}` },
      ] as Record<string, string>[])
        for (const method of ['GET', 'POST', 'OPTIONS'])
          assert.equal(await send(rig, path, headers, method), 403, `${path} ${JSON.stringify(headers)}`);
    }
    assert.equal(await send(rig, '/v1/models', { host: `localhost:${port}` }, 'GET', ''), 200);
    assert.deepEqual(rig.calls, []);
  });

  test('other paths and methods, what is no JSON, and what is too large', async () => {
    await using rig = await startShape('local/qwen3', 'text');
    for (const [method, path] of [
      ['GET', '/v1/chat/completions'],
      ['POST', '/v1/files'],
      ['POST', '/v1/chat/completions/x'],
      ['POST', '/llm/local/chat/completions'],
      ['GET', '/mesh/introspect'],
      ['DELETE', '/v1/models'],
    ] as const)
      assert.equal(await send(rig, path, {}, method), 404, path);
    assert.equal(await send(rig, '/v1/messages', {}, 'POST', '[1]'), 400);
    assert.equal(await send(rig, '/v1/messages', {}, 'POST', '{'), 400);
    const large = 'x'.repeat(8 * 1024 * 1024 + 1);
    assert.equal(await send(rig, '/v1/messages', { 'transfer-encoding': 'chunked' }, 'POST', large), 413);
    assert.deepEqual(rig.calls, []);
  });

  test('more than 15 requests at a time; the next is answered when one has ended', async () => {
    let arrived = 0;
    const full = Promise.withResolvers<void>();
    await using rig = await startEndpoint({
      chain: ['local/qwen3'],
      answer: () => {
        if (++arrived === 15) full.resolve();
        return { body: ['never'] };
      },
    });
    const left = new AbortController();
    const open = Array.from({ length: 15 }, () =>
      fetch(`${rig.url}/v1/chat/completions`, {
        method: 'POST',
        body: JSON.stringify({ messages: [{ role: 'user', content: 'hi' }], stream: true }),
        signal: left.signal,
      }).then(
        () => {},
        () => {},
      ),
    );
    await full.promise;
    assert.equal(await send(rig, '/v1/models', {}, 'GET', ''), 429);
    left.abort();
    await Promise.all(open);
    while ((await send(rig, '/v1/models', {}, 'GET', '')) === 429);
    assert.equal(await send(rig, '/v1/models', {}, 'GET', ''), 200);
  });
});
