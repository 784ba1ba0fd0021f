import { mkdirSync, writeFileSync } from 'node:fs';
import type { RuntimeConfig } from '@openlegion/contract/agents-config';
import type { TurnEvent } from '@openlegion/contract/turn-event';
import { createHistory, type History, type ReceivedMessage } from '../../history/create-history.ts';
import { openDatabase } from '../../history/open-database.ts';
import { createInterrupt, type Interrupt } from '../../loop/interrupt.ts';
import { agentPaths } from '../../paths.ts';
import type { MeshClient } from '../../pipe/pipe.ts';
import { createOutputFiles } from '../../tools/output-files.ts';
import { createRuntime } from '../create-runtime.ts';

/** A real history and real programs of the test's own, in a directory of the test's. */
export interface ProgramRig {
  history: History;
  workspace: string;
  /** Writes a program for Node below the workspace and gives back the command that runs it. */
  program(name: string, source: string): string[];
  run(
    messageId: string,
    given?: Partial<ReceivedMessage> & {
      interrupt?: Interrupt;
      onEvent?: (event: TurnEvent) => void | Promise<void>;
    },
  ): Promise<TurnEvent[]>;
}

export function programRig(
  data: string,
  runtime: (rig: Pick<ProgramRig, 'program'>) => Partial<RuntimeConfig> & { command: string[] },
  more: { systemPrompt?: string; tools?: string[]; askFor?: string[]; mesh?: MeshClient } = {},
): ProgramRig {
  const paths = agentPaths(data);
  mkdirSync(paths.workspace, { recursive: true });
  const database = openDatabase(paths.database);
  const history = createHistory(database, () => '2026-01-01T00:00:00.000Z');
  const program = (name: string, source: string) => {
    writeFileSync(`${paths.workspace}/${name}.mjs`, source);
    return [process.execPath, `${paths.workspace}/${name}.mjs`];
  };
  const { systemPrompt = '', tools = [], askFor = [] } = more;
  const turn = createRuntime(
    {
      start: {
        name: 'worker',
        role: '',
        model: 'scripted/m',
        maxTokens: 10,
        temperature: 0,
        thinking: 'off',
        systemPrompt,
        initialInstructions: '',
        tools,
        extras: {},
        egress: { authorityPem: '', environment: { GITHUB_TOKEN: 'olp_placeholder' } },
      },
      extras: { askFor, project: '', embeddingModel: null, browser: null, mcpServers: [], runtime: null },
      history,
      database,
      mesh: more.mesh ?? { call: () => Promise.reject(new Error('the mesh was not to be asked')) },
      paths,
      outputs: createOutputFiles(paths.toolOutput),
      log: (error) => console.error(error),
    },
    { protocol: 'stdin', env: {}, port: 8500, ...runtime({ program }) },
  );
  return {
    history,
    workspace: paths.workspace,
    program,
    async run(messageId, { interrupt = createInterrupt(), onEvent, ...given } = {}) {
      const events: TurnEvent[] = [];
      const message = {
        messageId,
        traceId: 't1',
        from: 'user',
        text: 'hello',
        mode: 'chat' as const,
        ...given,
      };
      await turn({
        message,
        begun: history.beginTurn(message),
        interrupt,
        emit: async (event) => {
          events.push(event);
          await onEvent?.(event);
        },
      });
      return events;
    },
  };
}

/** The end of a turn. */
export function endOf(events: readonly TurnEvent[]): Extract<TurnEvent, { type: 'turn_ended' }> {
  const last = events.at(-1);
  if (last?.type !== 'turn_ended') throw new Error(`no end: ${JSON.stringify(events)}`);
  return last;
}
