import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { TurnEvent } from '@openlegion/contract/turn-event';
import { z } from 'zod';
import { createHistory, type History } from '../history/create-history.ts';
import type { Database } from '../history/database.ts';
import type { AssistantPart } from '../history/entry.ts';
import { openDatabase } from '../history/open-database.ts';
import { createInterrupt, type Interrupt } from '../loop/interrupt.ts';
import { runTurn } from '../loop/run-turn.ts';
import type { ModelEvent, ModelRequest, ModelStream } from '../model/model-stream.ts';
import { type AnyTool, defineTool, type ToolContext, type ToolResult } from '../tools/tool.ts';

/** A directory that is gone at the end of the test that holds it. */
export function temporaryDirectory(): { path: string } & Disposable {
  const path = mkdtempSync(`${tmpdir()}/agent-`);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export function say(text: string): ModelEvent[] {
  return [
    { type: 'routed', model: 'scripted/m' },
    { type: 'text', text },
    {
      type: 'finished',
      model: 'scripted/m',
      dialect: 'openai-chat',
      parts: [{ type: 'text', text }],
      reason: 'stop',
    },
  ];
}

export function callTools(...calls: { tool: string; input: unknown }[]): ModelEvent[] {
  const parts = calls.map(
    ({ tool, input }): AssistantPart => ({
      type: 'call',
      // As bad servers do: the same id for every call.
      callId: 'call_0',
      tool,
      input: typeof input === 'string' ? input : JSON.stringify(input),
    }),
  );
  return [
    { type: 'routed', model: 'scripted/m' },
    { type: 'finished', model: 'scripted/m', dialect: 'openai-chat', parts, reason: 'tool_calls' },
  ];
}

/** Plays one list of events a call, the last one for ever; keeps the requests it was given. */
export function playModel(...answers: (ModelEvent[] | (() => ModelEvent[]))[]): {
  stream: ModelStream;
  requests: ModelRequest[];
} {
  const requests: ModelRequest[] = [];
  return {
    requests,
    stream: async function* play(request) {
      requests.push(structuredClone({ ...request }));
      const answer = answers[Math.min(requests.length, answers.length) - 1] ?? [];
      yield* typeof answer === 'function' ? answer() : answer;
    },
  };
}

/** A tool named `name` that takes `{ value?: string }`. */
export function fakeTool(
  name: string,
  run: (value: string, context: ToolContext) => Promise<ToolResult>,
  timeoutMs?: number,
): AnyTool {
  return defineTool({
    name,
    description: name,
    schema: z.strictObject({ value: z.string().default('') }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    run: ({ value }, context) => run(value, context),
  });
}

export interface TurnRig {
  database: Database;
  history: History;
  /** Runs a message to the end of its turn and gives back what was emitted. */
  run(
    messageId: string,
    options?: { text?: string; from?: string; interrupt?: Interrupt },
  ): Promise<TurnEvent[]>;
}

/** The loop on a real database, with a model and tools of the test's own. */
export function turnRig(options: {
  file: string;
  stream: ModelStream;
  tools?: readonly AnyTool[];
  withheld?: readonly string[];
  wrap?: (database: Database) => Database;
  onEvent?: (event: TurnEvent) => void;
  log?: (error: unknown) => void;
}): TurnRig {
  const opened = openDatabase(options.file);
  const database = options.wrap?.(opened) ?? opened;
  const history = createHistory(database, () => '2026-01-01T00:00:00.000Z');
  const tools = new Map((options.tools ?? []).map((tool) => [tool.name, tool]));
  return {
    database,
    history,
    async run(messageId, { text = 'do it', from = 'user', interrupt = createInterrupt() } = {}) {
      const events: TurnEvent[] = [];
      const message = { messageId, traceId: 't', from, text };
      await runTurn(
        {
          history,
          stream: options.stream,
          definitions: [],
          runner: {
            tools,
            withheld: new Set(options.withheld),
            fitOutput: async (_message, _call, output) => output,
            clock: () => 0,
            abortGraceMs: 5,
          },
          system: async () => 'system',
          promptChars: 1_000_000,
          log: options.log ?? (() => {}),
        },
        {
          message,
          begun: history.beginTurn(message),
          interrupt,
          emit: async (event) => {
            events.push(event);
            options.onEvent?.(event);
          },
        },
      );
      return events;
    },
  };
}
