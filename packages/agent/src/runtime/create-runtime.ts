import type { RuntimeConfig } from '@openlegion/contract/agents-config';
import { createAskApproval } from '../loop/ask-approval.ts';
import type { Turn } from '../loop/run-turn.ts';
import { createWorkspace } from '../workspace/create-workspace.ts';
import { createAcpDriver } from './acp/acp-driver.ts';
import type { RuntimeParts } from './load-runtime.ts';
import { createOpenaiDriver } from './openai/openai-driver.ts';
import type { ProgramDriver } from './program-driver.ts';
import { programVariables } from './program-variables.ts';
import { readConversation } from './read-conversation.ts';
import { runProgramTurn } from './run-program-turn.ts';
import { createStdinDriver } from './stdin-driver.ts';

/** Another agent program in the place of our loop, as `runtime` of the agent's configuration says. */
export function createRuntime(parts: RuntimeParts, runtime: RuntimeConfig): (turn: Turn) => Promise<void> {
  const { start, extras, history, database, outputs, log } = parts;
  const driver = driverOf(parts, runtime);
  return (turn) =>
    runProgramTurn(
      {
        history,
        driver,
        before: (messageId) => readConversation(database, messageId),
        instructions: (first) =>
          [extras.project, start.systemPrompt, first ? start.initialInstructions : '']
            .filter((text) => text.trim() !== '')
            .join('\n\n'),
        fitOutput: outputs.fit,
        clock: () => performance.now(),
        log,
      },
      turn,
    );
}

function driverOf({ start, extras, mesh, paths }: RuntimeParts, runtime: RuntimeConfig): ProgramDriver {
  const common = {
    command: runtime.command,
    cwd: paths.workspace,
    variables: () => programVariables({ start, runtime, workspace: paths.workspace }),
  };
  switch (runtime.protocol) {
    case 'stdin':
      return createStdinDriver({ ...common, historyFile: `${paths.data}/runtime/history.jsonl` });
    case 'acp':
      return createAcpDriver({
        ...common,
        workspace: createWorkspace(paths.workspace),
        grants: {
          tools: start.tools,
          approve: createAskApproval(mesh, { granted: start.tools, askFor: extras.askFor }),
        },
      });
    case 'openai':
      return createOpenaiDriver({ ...common, port: runtime.port, model: start.model });
  }
}
