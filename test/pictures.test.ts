import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Dialect } from '@openlegion/contract/catalog';
import type { PromptTurn } from '../packages/agent/src/history/prompt-turn.ts';
import { callModel } from '../packages/agent/src/testing/model-rig.ts';
import { worstBill } from '../packages/vault/src/gateway/test/billing-oracle.ts';
import { createFakeKeeper, type FakeKeeper } from '../packages/vault/src/gateway/test/fake-keeper.ts';
import {
  type FakeProvider,
  json,
  startFakeProvider,
} from '../packages/vault/src/gateway/test/fake-provider.ts';
import {
  MODEL,
  startGateway,
  type TestGateway,
  testProvider,
} from '../packages/vault/src/gateway/test/start-gateway.ts';

/* A picture in a tool's result, from the agent's prompt over the real adapters and the real gateway to a provider. */

const PROVIDERS: readonly [provider: string, model: string, dialect: Dialect][] = [
  ['openai', 'gpt-4o', 'openai-chat'],
  ['mistral', 'mistral-large', 'openai-chat'],
  ['responses', 'gpt-5-mini', 'openai-responses'],
  ['anthropic', 'claude-haiku-4-5', 'anthropic'],
  ['google', 'gemini-2.5-flash', 'google'],
  ['google', 'gemini-3-flash-preview', 'google'],
];
const PICTURE_BYTES = 300_000;
const DATA = picture(0).toString('base64');

/** As a provider's decoder would know it, and told from another by its end. */
function picture(id: number): Buffer {
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(PICTURE_BYTES - 8, id)]);
}

/** A turn of so many rounds, each a call that took a picture; the last is picture 0. */
function turnWithPictures(count: number): PromptTurn {
  const rounds = Array.from({ length: count }, (_, round) => count - 1 - round);
  return {
    messageId: 'm',
    messages: [
      { role: 'user', from: 'user', text: 'what is on the page?' },
      ...rounds.flatMap((id): PromptTurn['messages'] => [
        {
          role: 'assistant',
          model: 'p/m',
          dialect: 'other',
          parts: [{ type: 'call', callId: `call_${id}`, tool: 'browser_screenshot', input: '{}' }],
        },
        {
          role: 'tool',
          results: [
            {
              ...{ callId: `call_${id}`, tool: 'browser_screenshot', outcome: 'ok', durationMs: 1 },
              output: `wrote screenshots/${id}.png`,
              picture: { mediaType: 'image/png', bytes: PICTURE_BYTES },
              shown: picture(id),
            },
          ],
        },
      ]),
    ],
  };
}

async function bodyFor(
  [provider, model, dialect]: (typeof PROVIDERS)[number],
  over: { count?: number; contextTokens?: number; imageTokens?: number } = {},
) {
  const { count = 1, contextTokens = 100_000, ...image } = over;
  const { wire } = await callModel({
    route: { model: `${provider}/${model}`, dialect, contextTokens, ...image },
    turns: [turnWithPictures(count)],
    answers: [{ status: 400 }],
  });
  const [call] = wire;
  assert.ok(call);
  return { path: call.path.replace('/llm/', ''), body: call.body, text: JSON.stringify(call.body) };
}

let keeper: FakeKeeper;
let provider: FakeProvider;
let gateway: TestGateway;

before(async () => {
  keeper = createFakeKeeper();
  provider = await startFakeProvider(json({}));
  gateway = await startGateway({
    keeper,
    catalog: ['openai', 'mistral', 'responses', 'anthropic', 'google'].map((id) => {
      const known = PROVIDERS.filter(([of]) => of === id);
      const models = known.map(([, model]) => ({ ...MODEL, id: model, aliases: [] }));
      return testProvider(known[0]?.[2] ?? 'openai-chat', provider.origin, { id, models });
    }),
  });
});
after(async () => {
  await gateway[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
});

for (const target of PROVIDERS)
  test(`${target[0]}/${target[1]}: the picture arrives in its provider's form, reserved as an image`, async () => {
    const { path, body } = await bodyFor(target, { imageTokens: 2000 });
    const seenBefore = provider.seen.length;
    const answer = await gateway.call(path, body);
    const seen = provider.seen[seenBefore];
    assert.ok(seen, answer.text);
    const { name, form } = FORMS[target[1]] ?? { name: '', form: {} };
    assert.deepEqual(find(seen.body, name), form);
    const reserved = keeper.amounts.get(`r${keeper.reserved.length}`) ?? 0;
    assert.ok(worstBill(target[2], seen.body) <= reserved);
    // By its bytes it would be 400,000 tokens.
    assert.ok(reserved < 20_000 * 1.25 + 1000 * 4, `${reserved}`);
  });

test('a model that takes no pictures is told so in words, and where the file is', async () => {
  for (const target of PROVIDERS) {
    const { text } = await bodyFor(target);
    assert.ok(!text.includes(DATA.slice(0, 100)), text.slice(0, 500));
    assert.match(text, /wrote screenshots\/0\.png/);
    assert.match(text, new RegExp(`picture is not shown: ${target[0]}/${target[1]} takes none`));
  }
});

test('the newest four are shown, and no more than what the window holds at the most they can cost', async () => {
  const anthropic = PROVIDERS.find(([name]) => name === 'anthropic') ?? PROVIDERS[0];
  assert.ok(anthropic);
  for (const [contextTokens, imageTokens, shown] of [
    [100_000, 2000, 4],
    [100_000, 50_000, 2],
    [100_000, 100_000, 1],
  ] as const) {
    const { text } = await bodyFor(anthropic, { count: 7, contextTokens, imageTokens });
    assert.equal(text.split('"image/png"').length - 1, shown);
    assert.equal(text.split('picture is not shown any more').length - 1, 7 - shown);
    assert.ok(text.includes(DATA));
  }
});

const url = `data:image/png;base64,${DATA}`;
const text = 'wrote screenshots/0.png';
/** Where the picture is, by a field that nothing else in the body has, and what stands there. */
const FORMS: Record<string, { name: string; form: unknown }> = {
  'gpt-4o': { name: 'image_url', form: { url } },
  'mistral-large': { name: 'image_url', form: { url } },
  'gpt-5-mini': {
    name: 'output',
    form: [
      { type: 'input_text', text },
      { type: 'input_image', image_url: url },
    ],
  },
  'claude-haiku-4-5': { name: 'source', form: { type: 'base64', media_type: 'image/png', data: DATA } },
  'gemini-2.5-flash': { name: 'inlineData', form: { mimeType: 'image/png', data: DATA } },
  'gemini-3-flash-preview': {
    name: 'functionResponse',
    form: {
      id: 'call_0',
      name: 'browser_screenshot',
      response: { name: 'browser_screenshot', content: text },
      parts: [{ inlineData: { mimeType: 'image/png', data: DATA } }],
    },
  },
};

/** The value of the innermost field of this name. */
function find(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const inner of Object.values(value)) {
    const found = find(inner, name);
    if (found !== undefined) return found;
  }
  return Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}
