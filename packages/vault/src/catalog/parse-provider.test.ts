import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CatalogProvider } from '@openlegion/contract/catalog';
import fc from 'fast-check';
import { parseProvider } from './parse-provider.ts';

const RUNS = Number(process.env.OPENLEGION_RUNS ?? 500);

const optionally = <T>(key: string, value: fc.Arbitrary<T>) =>
  fc.option(value, { nil: undefined }).map((given) => (given === undefined ? {} : { [key]: given }));
const all = (...parts: fc.Arbitrary<object>[]) =>
  fc.tuple(...parts).map((given): object => Object.assign({}, ...given));

const micro = fc.integer({ min: 0, max: 1_000_000_000 });
const tokens = fc.integer({ min: 1, max: 100_000_000 });
const name = fc.stringMatching(/^[A-Za-z0-9@][A-Za-z0-9@._:/+-]{0,20}$/);
const classes = all(
  fc.record({ input: micro, output: micro }),
  optionally('cacheRead', micro),
  optionally('cacheWrite', micro),
);
const tiers = fc
  .uniqueArray(tokens, { minLength: 1, maxLength: 4 })
  .chain((above) =>
    fc.tuple(
      ...above
        .toSorted((a, b) => a - b)
        .map((aboveInputTokens) => classes.map((prices) => ({ aboveInputTokens, ...prices }))),
    ),
  );
const price = all(
  classes,
  optionally('audioInput', micro),
  optionally('audioOutput', micro),
  optionally('tiers', tiers),
);
const capability = fc.constantFrom('tools', 'vision', 'reasoning', 'structured_output', 'embedding', 'audio');
const model = all(
  fc.record({ id: name, contextTokens: tokens, maxOutputTokens: tokens, price }),
  optionally('imageTokens', tokens),
  optionally('capabilities', fc.array(capability, { maxLength: 6 })),
);
const auth = fc.record({
  header: fc.constantFrom('authorization', 'x-api-key', 'x-goog-api-key', 'api-key'),
  scheme: fc.constantFrom('bearer', 'raw'),
  credential: fc.stringMatching(/^OPENLEGION_SYSTEM_[A-Z0-9_]{1,20}$/),
});
const provider = all(
  fc.record({
    id: fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}$/),
    name: fc.string({ maxLength: 40 }),
    dialect: fc.constantFrom('openai-chat', 'openai-responses', 'anthropic', 'google'),
    baseUrl: fc.constantFrom(
      'https://models.example',
      'https://m.example:8443/a/v1',
      'http://127.0.0.1:11434/v1',
    ),
    models: fc.uniqueArray(model, {
      maxLength: 3,
      selector: (one) => JSON.stringify(one).toLowerCase().slice(0, 28),
    }),
  }),
  optionally('auth', auth),
  optionally('configured', fc.boolean()),
  optionally('environment', fc.array(fc.stringMatching(/^[A-Z0-9_]{1,20}$/), { maxLength: 3 })),
  optionally('local', fc.boolean()),
);

const parsed = (value: unknown): CatalogProvider | null => {
  try {
    return parseProvider(value, 'p');
  } catch (error) {
    assert.ok(error instanceof Error && 'code' in error && error.code === 'bad_request', String(error));
    return null;
  }
};

function namesOf(value: object): string[] {
  const { models } = CatalogProvider.parse(value);
  return models.map(({ id }) => id.toLowerCase());
}

test('what the schema takes, and names no model twice, is taken as it is', () => {
  fc.assert(
    fc.property(provider, (value) => {
      fc.pre(new Set(namesOf(value)).size === namesOf(value).length);
      assert.deepEqual(parsed(value), CatalogProvider.parse(value));
    }),
    { numRuns: RUNS },
  );
});

const junk = fc.oneof(
  fc.constantFrom(undefined, null, '', '*', -1, 0, 1.5, -0, 1e21, Number.NaN, true, [], {}, '0', '__proto__'),
  fc.jsonValue(),
);

/** `value` with one of its parts, at any depth, replaced, removed or joined by another. */
function broken(value: unknown, at: number, by: unknown, how: 'replace' | 'remove' | 'add'): unknown {
  const places: (() => void)[] = [];
  const copy = structuredClone(value);
  const walk = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return;
    const fields: Record<string, unknown> = Object.fromEntries(Object.entries(part));
    if (how === 'add')
      places.push(() => Object.assign(part, Array.isArray(part) ? { [part.length]: by } : { more: by }));
    for (const key of Object.keys(fields)) {
      if (how === 'replace') places.push(() => Object.assign(part, { [key]: by }));
      if (how === 'remove' && !Array.isArray(part)) places.push(() => Reflect.deleteProperty(part, key));
      walk(fields[key]);
    }
  };
  walk(copy);
  places[at % Math.max(1, places.length)]?.();
  return copy;
}

test('nothing is taken that the schema refuses, whatever is broken in it', () => {
  let refused = 0;
  fc.assert(
    fc.property(
      provider,
      fc.nat(),
      junk,
      fc.constantFrom('replace', 'remove', 'add'),
      (value, at, by, how) => {
        const given = broken(value, at, by, how);
        const ours = parsed(given);
        const theirs = CatalogProvider.safeParse(given);
        if (ours === null) refused += 1;
        // As it is written: the schema keeps a minus before a zero.
        else assert.deepEqual(ours, JSON.parse(JSON.stringify(theirs.data)));
      },
    ),
    { numRuns: RUNS },
  );
  assert.ok(refused > RUNS / 10);
});

test('tiers that do not ascend are refused: which of two prices holds must not be a question', () => {
  const tier = { aboveInputTokens: 1000, input: 2, output: 2 };
  const withTiers = (...list: object[]) => ({
    id: 'p',
    name: 'P',
    dialect: 'openai-chat',
    baseUrl: 'https://models.example',
    models: [{ id: 'm', contextTokens: 1, maxOutputTokens: 1, price: { input: 1, output: 1, tiers: list } }],
  });
  assert.ok(parsed(withTiers(tier, { ...tier, aboveInputTokens: 1001 })));
  assert.equal(parsed(withTiers(tier, tier)), null);
  assert.equal(parsed(withTiers(tier, { ...tier, aboveInputTokens: 999 })), null);
});
