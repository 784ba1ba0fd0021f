import type { AgentStart } from '@openlegion/contract/agent-api';
import type { TurnMode } from '../history/create-history.ts';
import type { Turn } from '../loop/run-turn.ts';
import { tellSanitised } from '../loop/tell-sanitised.ts';
import { assembleNotes, assembleSystemPrompt } from './assemble-system-prompt.ts';
import type { PromptText } from './prompt-text.ts';
import type { WorkspaceText } from './read-workspace-files.ts';

export type SystemPrompt = (
  turn: Turn,
  sections: readonly PromptText[],
  constraints: readonly string[],
) => Promise<StandingText>;

/** What stands before every conversation. */
export interface StandingText {
  /** Of the operator, the user and the program: the system prompt. */
  instructions: PromptText;
  /** Of the agent's files, what nobody else put there: data. */
  notes: PromptText;
}

/**
 * The system prompt of a turn as of now, since the workspace's files change between its rounds. What sanitising took
 * out of them is told once a turn.
 */
export function createSystemPrompt(parts: {
  agent: AgentStart;
  /** What PROJECT.md of the installation says. */
  project: string;
  readFiles: (mode: TurnMode) => Promise<WorkspaceText[]>;
  isFirstTurn: (messageId: string) => boolean;
}): SystemPrompt {
  const { agent, project } = parts;
  let told = '';
  return async ({ message, emit }, sections, constraints) => {
    const { messageId, mode, task } = message;
    const files = await parts.readFiles(mode);
    if (told !== messageId) {
      told = messageId;
      for (const { name, text } of files) await tellSanitised(name, text, emit);
    }
    const firstTurn = parts.isFirstTurn(messageId);
    const given = files.filter((file) => file.given);
    return {
      instructions: assembleSystemPrompt({
        ...{ agent, project, files: given, mode, task, firstTurn, constraints, sections },
      }),
      notes: assembleNotes(files.filter((file) => !file.given)),
    };
  };
}
