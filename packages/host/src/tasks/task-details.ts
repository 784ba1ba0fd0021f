import type { ChatRequest } from '@openlegion/contract/agent-api';

/** What a step of a workflow asks for, as its agent is given it in task mode. */
export type TaskDetails = NonNullable<ChatRequest['task']>;
