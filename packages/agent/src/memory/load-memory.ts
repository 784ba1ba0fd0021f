import type { AgentStart } from '@openlegion/contract/agent-api';
import type { FactKeeper } from '../context/facts.ts';
import type { Database } from '../history/database.ts';
import type { AgentPaths } from '../paths.ts';
import type { MeshClient } from '../pipe/pipe.ts';
import type { AnyTool } from '../tools/tool.ts';
import type { Workspace } from '../workspace/create-workspace.ts';
import { describeSystem } from '../workspace/describe-system.ts';
import type { KeepVersion } from '../workspace/keep-version.ts';
import { SYSTEM_FILE } from '../workspace/prompt-files.ts';
import { createDailyLog } from './daily-log.ts';
import { createLearnings } from './learnings.ts';
import type { Memory } from './memory.ts';
import { createMemoryRecall } from './memory-recall.ts';
import { createMemorySave } from './memory-save.ts';
import { createMemorySearch } from './memory-search.ts';
import { createObserveTurn, type ObserveTurn } from './observe-turn.ts';
import { renderFacts } from './render-facts.ts';
import type { SearchNotes } from './search-notes.ts';
import { createUpdateWorkspace } from './update-workspace.ts';

const RECALLED_FOR_A_MESSAGE = 8;

export interface LoadedMemory {
  /** Loaded when first asked for. */
  memory: () => Promise<Memory>;
  tools: readonly AnyTool[];
  /** For the context manager: where facts go before a conversation is shortened. */
  facts: FactKeeper;
  /** To be given every event of every turn. */
  observe: ObserveTurn;
  /** What SYSTEM.md says. */
  system: string;
}

/** An agent's memory with its tools, wired; the search itself is loaded when it is first used. */
export function loadMemory(options: {
  start: AgentStart;
  database: Database;
  paths: AgentPaths;
  workspace: Workspace;
  keepVersion: KeepVersion;
  mesh: MeshClient;
  isFirstTurn: (messageId: string) => boolean;
  log: (error: unknown) => void;
}): LoadedMemory {
  const { start, database, paths, workspace, mesh, isFirstTurn, log } = options;
  let opened: Promise<Memory> | undefined;
  let notes: Promise<SearchNotes> | undefined;
  const memory = () => {
    opened ??= import('./open-memory.ts').then(({ openMemory }) =>
      openMemory({ start, database, mesh, log }),
    );
    return opened;
  };
  const searchNotes = () => {
    notes ??= import('./search-notes.ts').then(({ createSearchNotes }) =>
      createSearchNotes(database, workspace),
    );
    return notes;
  };
  const now = () => new Date().toISOString();
  const system = describeSystem(start);
  void workspace.write(SYSTEM_FILE, Buffer.from(`${system}\n`)).catch(log);
  return {
    memory,
    system,
    facts: {
      remember: async (facts) => {
        (await memory()).remember(facts);
      },
      recall: async (query, signal) => {
        const { facts } = await (await memory()).recall(query, { limit: RECALLED_FOR_A_MESSAGE, signal });
        return renderFacts(facts);
      },
    },
    tools: [
      createMemorySearch({ memory, notes: searchNotes }),
      createMemorySave(memory),
      createMemoryRecall(memory),
      createUpdateWorkspace(workspace, options.keepVersion),
    ],
    observe: createObserveTurn({
      learnings: createLearnings(workspace, () => now().slice(0, 10)),
      writeLog: createDailyLog(paths.workspace, workspace, now),
      isFirstTurn,
      opened: () => opened,
      after: (ms, run) => {
        const timer = setTimeout(run, ms).unref();
        return () => clearTimeout(timer);
      },
      log,
    }),
  };
}
