import type { AgentExtras, AgentStart } from '@openlegion/contract/agent-api';
import type { History } from '../history/create-history.ts';
import type { Database } from '../history/database.ts';
import type { Turn } from '../loop/run-turn.ts';
import type { AgentPaths } from '../paths.ts';
import type { MeshClient } from '../pipe/pipe.ts';
import type { OutputFiles } from '../tools/output-files.ts';

export interface RuntimeParts {
  start: AgentStart;
  extras: AgentExtras;
  history: History;
  database: Database;
  mesh: MeshClient;
  paths: AgentPaths;
  outputs: OutputFiles;
  log: (error: unknown) => void;
}

/** What runs a turn where `runtime` names another program, loaded with its first; undefined where it is our loop. */
export function loadRuntime(parts: RuntimeParts): ((turn: Turn) => Promise<void>) | undefined {
  const { runtime } = parts.extras;
  if (runtime === null) return undefined;
  let loaded: Promise<(turn: Turn) => Promise<void>> | undefined;
  return async (turn) => {
    loaded ??= import('./create-runtime.ts').then(({ createRuntime }) => createRuntime(parts, runtime));
    await (await loaded)(turn);
  };
}
