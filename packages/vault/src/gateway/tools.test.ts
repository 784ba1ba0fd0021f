import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dialect } from '@openlegion/contract/catalog';
import fc from 'fast-check';
import { createMayUse } from './dialect/granted-tools.ts';
import { createFakeKeeper } from './test/fake-keeper.ts';
import { type Behaviour, events, eventText, json, startFakeProvider } from './test/fake-provider.ts';
import { startGateway, testProvider } from './test/start-gateway.ts';
import { ANSWERS } from './test/wire-shapes.ts';

const DIALECTS = ['openai-chat', 'openai-responses', 'anthropic', 'google'] as const;

/** A tool of each dialect's form. */
const TOOLS: Record<Dialect, (names: string[]) => Record<string, unknown>> = {
  'openai-chat': (names) => ({
    tools: names.map((name) => ({ type: 'function', function: { name, parameters: { type: 'object' } } })),
    tool_choice: { type: 'function', function: { name: names[0] } },
  }),
  'openai-responses': (names) => ({
    tools: names.map((name) => ({ type: 'function', name, parameters: { type: 'object' } })),
    tool_choice: { type: 'function', name: names[0] },
  }),
  anthropic: (names) => ({
    tools: names.map((name) => ({ name, input_schema: { type: 'object' } })),
    tool_choice: { type: 'tool', name: names[0] },
  }),
  google: (names) => ({
    tools: [{ functionDeclarations: names.map((name) => ({ name, description: 'd' })) }],
    toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: [names[0]] } },
  }),
};

/** A call of `name`, in a whole answer and as the event of a stream that names it. */
const CALLS: Record<Dialect, (name: string) => { whole: unknown; event: unknown }> = {
  'openai-chat': (name) => {
    const tool_calls = [{ index: 0, id: 'c', type: 'function', function: { name, arguments: '{}' } }];
    return {
      whole: {
        choices: [{ index: 0, finish_reason: 'tool_calls', message: { role: 'assistant', tool_calls } }],
      },
      event: { choices: [{ index: 0, delta: { tool_calls } }] },
    };
  },
  'openai-responses': (name) => {
    const item = { type: 'function_call', name, arguments: '{}', call_id: 'c' };
    return {
      whole: { status: 'completed', output: [item] },
      event: { type: 'response.output_item.added', item },
    };
  },
  anthropic: (name) => {
    const content_block = { type: 'tool_use', id: 't', name, input: {} };
    return {
      whole: { content: [content_block] },
      event: { type: 'content_block_start', index: 0, content_block },
    };
  },
  google: (name) => {
    const whole = { candidates: [{ content: { parts: [{ functionCall: { name, args: {} } }] } }] };
    return { whole, event: whole };
  },
};

const policy = (record: unknown) => ({ 'x-openlegion-tools': JSON.stringify(record) });
const toolNames = (body: unknown) =>
  [...JSON.stringify(body).matchAll(/"name":"([^"]+)"/g)].map(([, name]) => name);

async function rig(dialect: Dialect, behave: Behaviour) {
  const provider = await startFakeProvider(behave);
  const keeper = createFakeKeeper();
  const gateway = await startGateway({ keeper, catalog: [testProvider(dialect, provider.origin)] });
  return {
    provider,
    gateway,
    keeper,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await provider[Symbol.asyncDispose]();
    },
  };
}

for (const dialect of DIALECTS) {
  const { target, streamTarget, ask, whole, stream } = ANSWERS[dialect];

  test(`${dialect}: tools that are not granted do not reach the provider`, async () => {
    await using at = await rig(dialect, json(whole));
    const body = { ...ask, ...TOOLS[dialect](['exec', 'read_file', 'mcp_files_read', 'wipe']) };
    const granted = { exec: 'deny', read_file: 'allow', 'mcp_files_*': 'ask', 'mcp_*': 'deny' };
    const answer = await at.gateway.call(`${dialect}/${target}`, body, { headers: policy(granted) });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(toolNames(at.provider.seen[0]?.body), ['read_file', 'mcp_files_read']);
  });

  test(`${dialect}: with none granted, neither tools nor a choice between them are sent`, async () => {
    await using at = await rig(dialect, json(whole));
    const body = { ...ask, ...TOOLS[dialect](['exec']) };
    await at.gateway.call(`${dialect}/${target}`, body, { headers: policy({}) });
    assert.doesNotMatch(at.provider.seen[0]?.text ?? 'nothing came', /tool|exec/i);
  });

  test(`${dialect}: an answer that calls another tool is refused, its call not shown, and charged`, async () => {
    await using at = await rig(dialect, json(CALLS[dialect]('exec').whole));
    const body = { ...ask, ...TOOLS[dialect](['read_file']) };
    const answer = await at.gateway.call(`${dialect}/${target}`, body, {
      headers: policy({ read_file: 'allow' }),
    });
    assert.equal(answer.status, 403);
    assert.match(answer.text, /"rule":"llm\.answer"|llm\.answer/);
    assert.doesNotMatch(answer.text, /exec/);
    assert.equal(at.keeper.settled.length, 1);
  });

  test(`${dialect}: a stream is ended by an error before such a call, however its bytes are cut`, async () => {
    const bytes = Buffer.from(eventText(CALLS[dialect]('exec').event));
    for (const cut of [0, 20, Math.floor(bytes.length / 2), bytes.length - 1]) {
      await using at = await rig(dialect, (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(eventText(stream[0]));
        response.write(bytes.subarray(0, cut));
        setImmediate(() => {
          response.write(bytes.subarray(cut));
          response.end(eventText(stream.at(-1)));
        });
      });
      const body = {
        ...ask,
        ...(dialect === 'google' ? {} : { stream: true }),
        ...TOOLS[dialect](['read_file']),
      };
      const answer = await at.gateway.call(`${dialect}/${streamTarget}`, body, {
        headers: policy({ read_file: 'allow' }),
      });
      assert.match(answer.text, /event: error\ndata: \{"type":"error"/);
      assert.ok(!answer.text.includes(bytes.toString('utf8').trim()), 'the whole call was shown');
      assert.equal(at.keeper.settled.length, 1);
    }
  });

  test(`${dialect}: a granted call passes, whole and streamed`, async () => {
    const call = CALLS[dialect]('exec');
    const body = { ...ask, ...TOOLS[dialect](['exec']) };
    await using at = await rig(dialect, json(call.whole));
    const answer = await at.gateway.call(`${dialect}/${target}`, body, {
      headers: policy({ 'ex*': 'allow' }),
    });
    assert.deepEqual(JSON.parse(answer.text), call.whole);
    at.provider.behave = events(stream[0], call.event, ...stream.slice(-2));
    const streamed = await at.gateway.call(
      `${dialect}/${streamTarget}`,
      dialect === 'google' ? body : { ...body, stream: true },
      { headers: policy({ 'ex*': 'allow' }) },
    );
    assert.ok(streamed.complete && streamed.text.includes(eventText(call.event)), streamed.text);
  });
}

test('a call that says nothing of what is granted is refused before anything is reserved', async () => {
  await using at = await rig('openai-chat', json({}));
  for (const header of ['null', '', 'x', '[]', '"exec"', ['{"*":"allow"}', '{}']]) {
    const { ask } = ANSWERS['openai-chat'];
    const answer = await at.gateway.call('openai-chat/chat/completions', ask, {
      headers: { 'x-openlegion-tools': header },
    });
    assert.ok(answer.status === 401 || answer.status === 400, `${String(header)}: ${answer.status}`);
  }
  assert.equal(at.keeper.reserved.length, 0);
});

test('the exact name decides before patterns, the longest pattern before others, and nothing else grants', () => {
  const mayUse = createMayUse(
    new Map([
      ['exec', false],
      ['*', true],
      ['vault_*', false],
      ['vault_li*', true],
      ['a.b*', true],
      ['a*', false],
    ]),
  );
  const granted = ['exec', 'read_file', 'vault_get', 'vault_list', 'a.bc', 'axbc', 'x'.repeat(201)].map(
    mayUse,
  );
  assert.deepEqual(granted, [false, true, false, true, true, false, false]);
  const none = createMayUse(new Map());
  fc.assert(fc.property(fc.string(), (name) => !none(name)));
});
