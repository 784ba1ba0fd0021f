import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ModelEvent, ModelRequest } from '../model/model-stream.ts';
import { fitTurns, tokensOf } from '../prompt/fit-turns.ts';
import { callTools, fakeTool, playModel, say, temporaryDirectory, turnRig } from '../testing/turn-rig.ts';
import { createInterrupt } from './interrupt.ts';
import { LOOP_LIMITS } from './limits.ts';

/** `value`: the size of the picture, and what it is filled with. */
const look = fakeTool('look', async (value) => ({
  outcome: 'ok',
  output: `wrote ${value}.png`,
  picture: { mediaType: 'image/png', bytes: Buffer.alloc(Number(value), `${Number(value) % 10}`) },
}));
const looking = (...sizes: number[]) =>
  callTools(...sizes.map((size) => ({ tool: 'look', input: { value: `${size}` } })));
const refusal = { code: 'upstream_failed', rule: 'llm.provider', message: 'no', remedy: 'x' } as const;
const refused: ModelEvent[] = [{ type: 'failed', model: 'm', dialect: 'd', parts: [], refusal }];

/** Sizes of the pictures that a request shows, in their order. */
function shown(request: ModelRequest | undefined): number[] {
  return (request?.turns ?? []).flatMap(({ messages }) =>
    messages.flatMap((message) =>
      message.role === 'tool' ? message.results.flatMap((result) => result.shown?.length ?? []) : [],
    ),
  );
}

function rigOf(path: string, model: ReturnType<typeof playModel>, pictures = 9) {
  return turnRig({ file: path, stream: model.stream, tools: [look], pictures });
}

test('a picture is shown with its result, and the newest four of a conversation with it', async () => {
  using directory = temporaryDirectory();
  const model = playModel(looking(11), looking(12, 13), say('seen'), looking(14, 15), say('seen'));
  const rig = rigOf(`${directory.path}/a.db`, model);
  await rig.run('m1');
  await rig.run('m2');
  assert.deepEqual(model.requests.map(shown), [[], [11], [11, 12, 13], [11, 12, 13], [12, 13, 14, 15]]);
  const blind = playModel(looking(11), say('not seen'));
  const events = await rigOf(`${directory.path}/b.db`, blind, 0).run('m1');
  assert.deepEqual(blind.requests.map(shown), [[], []]);
  const ended = events.find((event) => event.type === 'tool_ended');
  assert.equal(ended?.preview, 'wrote 11.png');
});

test('all that are shown together have a bound in bytes, the newest first', async () => {
  using directory = temporaryDirectory();
  const most = LOOP_LIMITS.pictureBytes;
  const model = playModel(looking(10, most - 20), looking(20), looking(most), say('seen'));
  await rigOf(`${directory.path}/a.db`, model).run('m1');
  assert.deepEqual(model.requests.map(shown), [[], [10, most - 20], [most - 20, 20], [most]]);
});

test('a turn that is gone on with after a restart asks the same, byte for byte', async () => {
  using directory = temporaryDirectory();
  const file = `${directory.path}/a.db`;
  const gone = createInterrupt();
  const before = playModel(looking(11, 12), () => {
    gone.raise('detached');
    return [];
  });
  await rigOf(file, before).run('m1', { interrupt: gone });
  const after = playModel(say('seen'));
  await rigOf(file, after).run('m1');
  assert.deepEqual(after.requests[0], before.requests[1]);
  assert.deepEqual(shown(after.requests[0]), [11, 12]);
});

test('a picture that a provider may have refused ends its turn and no other', async () => {
  using directory = temporaryDirectory();
  const model = playModel(looking(11), refused, looking(12), say('seen'));
  const rig = rigOf(`${directory.path}/a.db`, model);
  const failed = (await rig.run('m1')).at(-1);
  assert.ok(failed?.type === 'turn_ended' && failed.status === 'failed');
  const end = (await rig.run('m2')).at(-1);
  assert.ok(end?.type === 'turn_ended' && end.status === 'complete');
  assert.deepEqual(model.requests.map(shown), [[], [11], [], [12]]);
});

test('the history holds sixteen pictures at most; of older ones the text is left', async () => {
  using directory = temporaryDirectory();
  const model = playModel(looking(...Array.from({ length: 20 }, (_, index) => 10 + index)), say('seen'));
  const rig = rigOf(`${directory.path}/a.db`, model);
  await rig.run('m1');
  assert.equal(rig.database.read('SELECT count(*) AS count FROM pictures')[0]?.count, 16);
  const results = rig.history.turnEntries('m1').filter(({ kind }) => kind === 'result');
  assert.equal(results.length, 20);
});

test('a picture is counted, and gives way where there is no room', () => {
  const result = { tool: 't', outcome: 'ok', output: 'o'.repeat(300), durationMs: 0 } as const;
  const results = ['a', 'b'].map((callId) => ({
    ...{ ...result, callId, picture: { mediaType: 'image/png' as const, bytes: 3 } },
    shown: Buffer.from('png'),
  }));
  const messages = [{ role: 'tool' as const, results }];
  assert.ok(tokensOf(messages) >= 2 * 1600);
  const fitted = (promptTokens: number) =>
    fitTurns([{ messageId: 'm', messages }], { promptTokens, otherTokens: 0 });
  const left = (promptTokens: number) =>
    fitted(promptTokens).flatMap((message) =>
      message.role === 'tool' ? message.results.map(({ shown: one }) => one !== undefined) : [],
    );
  assert.deepEqual(
    [left(9000), left(3000), left(500)],
    [
      [true, true],
      [false, true],
      [false, false],
    ],
  );
  for (const tokens of [3000, 500]) assert.ok(tokensOf(fitted(tokens)) <= tokens);
});
