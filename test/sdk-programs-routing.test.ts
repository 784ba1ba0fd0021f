import assert from 'node:assert/strict';
import { request } from 'node:http';
import { describe, test } from 'node:test';
import OpenAI from 'openai';
import { dialectOf, type EndpointRig, type FakeAnswer, startEndpoint } from './harness/model-endpoint-rig.ts';
import { OVERLOADED, streamOf } from './harness/provider-shapes.ts';
import { anthropic, MODELS, openai, startShape } from './harness/sdk-clients.ts';

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
