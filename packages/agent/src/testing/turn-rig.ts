import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { TurnEvent } from '@openlegion/contract/turn-event';
import { z } from 'zod';
import { createCondenser } from '../context/condenser.ts';
import { createContextStore } from '../context/context-store.ts';
import { createContext } from '../context/create-context.ts';
import { type FactKeeper, NO_FACTS } from '../context/facts.ts';
import { createHistory, type History, type ReceivedMessage } from '../history/create-history.ts';
import type { Database } from '../history/database.ts';
import type { AssistantPart } from '../history/entry.ts';
import { openDatabase } from '../history/open-database.ts';
import type { AskApproval } from '../loop/ask-approval.ts';
import { createInterrupt, type Interrupt } from '../loop/interrupt.ts';
import type { OfferTools } from '../loop/offer-tools.ts';
import { runTurn, type TurnParts } from '../loop/run-turn.ts';
import type { ModelEvent, ModelRequest, ModelStream } from '../model/model-stream.ts';
import type { SystemPrompt } from '../prompt/create-system-prompt.ts';
import { clean, joinText, ours } from '../prompt/prompt-text.ts';
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
  parts: TurnParts;
  /** Runs a message to the end of its turn and gives back what was emitted. */
  run(
    messageId: string,
    options?: Partial<Omit<ReceivedMessage, 'messageId'>> & { interrupt?: Interrupt },
  ): Promise<TurnEvent[]>;
}

const DO_IT = { traceId: 't', from: 'user', text: 'do it', mode: 'chat' as const };

/** The loop on a real database, with a model and tools of the test's own. */
export function turnRig(options: {
  file: string;
  stream: ModelStream;
  tools?: readonly AnyTool[];
  withheld?: readonly string[];
  wrap?: (database: Database) => Database;
  onEvent?: (event: TurnEvent) => void;
  log?: (error: unknown) => void;
  approve?: AskApproval;
  /** Instead of `tools`. */
  offer?: OfferTools;
  factsOf?: (database: Database) => FactKeeper;
  /** Of the model: what a prompt may have. */
  windowTokens?: number;
  pictures?: number;
  window?: (signal: AbortSignal) => Promise<number>;
  system?: SystemPrompt;
}): TurnRig {
  const opened = openDatabase(options.file);
  const database = options.wrap?.(opened) ?? opened;
  const history = createHistory(database, () => '2026-01-01T00:00:00.000Z');
  const tools = new Map((options.tools ?? []).map((tool) => [tool.name, tool]));
  const parts: TurnParts = {
    history,
    stream: options.stream,
    offer:
      options.offer ??
      (async () => ({ tools, withheld: new Set(options.withheld), definitions: [], sections: [] })),
    runner: {
      fitOutput: async (_message, _call, output) => output,
      approve: options.approve ?? (async () => undefined),
      clock: () => 0,
      abortGraceMs: 5,
    },
    prompt: createContext({
      history,
      store: createContextStore(database),
      facts: options.factsOf?.(database) ?? NO_FACTS,
      condenser: createCondenser(options.stream),
      pictures: () => options.pictures ?? 0,
      window: options.window ?? (async () => options.windowTokens ?? 1_000_000),
      system:
        options.system ??
        (async (_turn, _sections, constraints) => ({
          instructions: joinText([ours`system`, ...constraints.map((text) => clean(text))]),
          notes: ours``,
        })),
    }),
    log: options.log ?? (() => {}),
  };
  return {
    database,
    history,
    parts,
    async run(messageId, { interrupt = createInterrupt(), ...given } = {}) {
      const events: TurnEvent[] = [];
      const message = { messageId, ...DO_IT, ...given };
      await runTurn(parts, {
        message,
        begun: history.beginTurn(message),
        interrupt,
        emit: async (event) => {
          events.push(event);
          options.onEvent?.(event);
        },
      });
      return events;
    },
  };
}
