import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PromptMessage } from '../history/prompt-turn.ts';
import { callOptions } from '../model/call-options.ts';
import type { ModelRequest } from '../model/model-stream.ts';
import { estimateTokens } from '../prompt/estimate-tokens.ts';
import { START } from '../testing/model-rig.ts';
import { callTools, fakeTool, say, temporaryDirectory, turnRig } from '../testing/turn-rig.ts';

const Turn = fc.record({
  text: fc.nat(2500),
  rounds: fc.array(fc.nat(5000), { maxLength: 4 }),
  steer: fc.boolean(),
  mode: fc.constantFrom('chat' as const, 'task' as const, 'subagent' as const),
});

/** Calls and results in pairs, and the message under way where it belongs: whatever was left out. */
function assertWhole(request: ModelRequest, asked: string): void {
  const messages: PromptMessage[] = request.turns.flatMap((turn) => turn.messages);
  for (const [index, message] of messages.entries()) {
    const next = messages[index + 1];
    if (message.role === 'assistant') {
      const calls = message.parts.flatMap((part) => (part.type === 'call' ? [part.callId] : []));
      if (calls.length > 0)
        assert.deepEqual(next?.role === 'tool' && next.results.map(({ callId }) => callId), calls);
    }
    if (message.role === 'tool') assert.equal(messages[index - 1]?.role, 'assistant');
  }
  const last = request.turns.at(-1)?.messages ?? [];
  assert.ok(last.some((message) => message.role === 'user' && message.text === asked));
}

test('whatever was said and done: what a model is sent fits its window, calls have their results, all is kept', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(Turn, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 3000, max: 9000 }),
      async (turns, windowTokens) => {
        using directory = temporaryDirectory();
        const current = { text: '', id: '', steer: false };
        const left: number[] = [];
        const stream = async function* play(request: ModelRequest) {
          if (request.tools.length === 0 && !request.system.startsWith('system')) return yield* say('short');
          assertWhole(request, current.text);
          const route = {
            model: 'p/m',
            dialect: 'openai-chat' as const,
            contextTokens: windowTokens + 200,
            maxOutputTokens: 200,
          };
          const { prompt } = callOptions(
            { ...START, maxTokens: 200 },
            route,
            request,
            new AbortController().signal,
          );
          const sent = estimateTokens(JSON.stringify(prompt));
          // What JSON adds, and a message under way that alone is larger, aside.
          assert.ok(sent <= windowTokens * 1.3 + current.text.length / 3, `${sent} of ${windowTokens}`);
          const size = left.shift();
          yield* size === undefined
            ? say('done')
            : callTools({ tool: 'read', input: { value: `${left.length} ${size}` } });
        };
        const read = fakeTool('read', async (value) => {
          if (current.steer) rig.history.addSteer(current.id, 'go on');
          current.steer = false;
          return { outcome: 'ok', output: 'o'.repeat(Number(value.split(' ')[1])) };
        });
        const rig = turnRig({
          file: `${directory.path}/a.db`,
          stream,
          tools: [read],
          windowTokens,
          wrap: (opened) => {
            opened.read('PRAGMA synchronous = OFF');
            return opened;
          },
        });
        for (const [index, turn] of turns.entries()) {
          Object.assign(current, {
            text: `${index}`.padEnd(turn.text, ' word'),
            id: `m${index}`,
            steer: turn.steer,
          });
          left.push(...turn.rounds);
          const events = await rig.run(`m${index}`, { text: current.text, mode: turn.mode });
          const end = events.at(-1);
          assert.ok(end?.type === 'turn_ended' && end.status === 'complete', JSON.stringify(end));
          const own = rig.history.turnEntries(`m${index}`);
          const steers = turn.steer && turn.rounds.length > 0 ? 1 : 0;
          assert.equal(own.length, turn.rounds.length * 2 + 1 + steers);
        }
      },
    ),
    { numRuns: 25 },
  );
});
