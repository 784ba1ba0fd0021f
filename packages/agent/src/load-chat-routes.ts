import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { AUTHORITY_FILE, PROXY_PORT } from '@openlegion/contract/program-environment';
import type { ChatRoutes, Progress, StartedAgent } from './api/create-agent-api.ts';
import { createChatRoutes } from './api/create-chat-routes.ts';
import { createHistory } from './history/create-history.ts';
import { createModelStream } from './model/create-model-stream.ts';
import type { MeshClient } from './pipe/pipe.ts';
import { assembleSystemPrompt } from './prompt/assemble-system-prompt.ts';
import { readWorkspaceFiles } from './prompt/read-workspace-files.ts';
import { loadRuntime } from './runtime/load-runtime.ts';
import { defineTools } from './tools/define-tools.ts';
import { createOutputFiles } from './tools/output-files.ts';
import { createSendOutside } from './tools/send-outside.ts';
import { createWorkspace } from './workspace/create-workspace.ts';

const PROMPT_CHARS = 4_000_000;
const ABORT_GRACE_MS = 3000;

/** The second half of the wiring, which main.ts loads with the first request after `/start`. */
export function loadChatRoutes(
  { start, database, paths }: StartedAgent,
  progress: Progress,
  mesh: MeshClient,
  log: (error: unknown) => void,
): ChatRoutes {
  const history = createHistory(database, () => new Date().toISOString());
  const outputs = createOutputFiles(paths.toolOutput);
  const offered = defineTools({
    workspace: paths.workspace,
    mesh,
    outputs,
    send: createSendOutside(PROXY_PORT, () => readFileSync(AUTHORITY_FILE, 'utf8')),
    granted: start.tools,
    environment: start.egress.environment,
  });
  const stream = createModelStream({
    agent: start,
    mesh,
    wait: (ms, signal) => wait(ms, undefined, { signal }),
    random: Math.random,
    now: Date.now,
  });
  return createChatRoutes({
    history,
    progress,
    workspace: createWorkspace(paths.workspace),
    prune: outputs.prune,
    program: loadRuntime({ start, history, database, mesh, paths, outputs, log }),
    turn: {
      history,
      stream,
      definitions: offered.definitions,
      runner: {
        tools: offered.tools,
        withheld: offered.withheld,
        fitOutput: outputs.fit,
        clock: () => performance.now(),
        abortGraceMs: ABORT_GRACE_MS,
      },
      system: async (messageId) =>
        assembleSystemPrompt({
          agent: start,
          files: await readWorkspaceFiles(paths.workspace),
          firstTurn: history.isFirstTurn(messageId),
        }),
      promptChars: PROMPT_CHARS,
      log,
    },
  });
}
