import { z } from 'zod';
import { AgentName } from './agent-name.ts';
import { ModelName } from './model-name.ts';

/**
 * What the host asks of the agent: the outer HTTP/2 session of the pipe, host as client.
 *
 * | method and path            | body               | answer                                        |
 * |----------------------------|--------------------|-----------------------------------------------|
 * | GET  /status               |                    | AgentStatus                                   |
 * | POST /start                | AgentStart         | 204; opens /data; once per container          |
 * | POST /chat/stream          | ChatRequest        | 200 application/x-ndjson of TurnEvent         |
 * | POST /chat/steer           | SteerRequest       | 202 when a turn runs, else 409                |
 * | POST /chat/reset           |                    | 204; history is closed, not deleted           |
 * | POST /cancel               | CancelRequest      | 202 when that turn runs, else 404             |
 * | GET  /history?limit=N      |                    | HistoryPage                                   |
 * | GET  /workspace            |                    | WorkspaceListing                              |
 * | GET  /workspace/{file}     |                    | 200 application/octet-stream                  |
 * | PUT  /workspace/{file}     | bytes              | 204                                           |
 * | CONNECT mesh               | the inner session  | 200; the agent is the client in it            |
 */
export const AgentStatus = z.object({
  state: z.enum(['waiting', 'idle', 'busy']),
  version: z.string().max(100),
  /** Grows whenever the loop makes progress: liveness is this, not the process. */
  progress: z.int().nonnegative(),
  messageId: z.string().max(100).optional(),
});
export type AgentStatus = z.infer<typeof AgentStatus>;

export const AgentStart = z.strictObject({
  name: AgentName,
  role: z.string(),
  model: ModelName,
  maxTokens: z.int().positive(),
  temperature: z.number(),
  thinking: z.enum(['off', 'low', 'medium', 'high']),
  systemPrompt: z.string(),
  initialInstructions: z.string(),
  /** Names of tools the agent may offer to its model. */
  tools: z.array(z.string().max(100)),
  /** What programs in the container need to reach out without knowing how. */
  egress: z.strictObject({
    /** The agent's own certificate authority: what the proxy's certificates are signed by. */
    authorityPem: z.string().max(8192),
    /** Variables with placeholders: `GITHUB_TOKEN=olp_…`. */
    environment: z.record(z.string().max(100), z.string().max(200)),
  }),
});
export type AgentStart = z.infer<typeof AgentStart>;

/**
 * One message for one turn. `messageId` is the idempotency key: an agent that is given a message it has already
 * answered repeats the recorded answer; one it was interrupted in, it resumes from its history.
 */
export const ChatRequest = z.strictObject({
  messageId: z.string().max(100),
  traceId: z.string().max(100),
  /** `user`, `operator` or an agent's name. */
  from: z.string().max(100),
  text: z.string(),
});
export type ChatRequest = z.infer<typeof ChatRequest>;

export const SteerRequest = z.strictObject({ text: z.string().min(1) });
export const CancelRequest = z.strictObject({ messageId: z.string().max(100) });

export const HistoryEntry = z.object({
  id: z.int(),
  messageId: z.string(),
  role: z.enum(['user', 'assistant', 'tool', 'steer']),
  /** Neutral content, as text for people: tool calls and results are rendered. */
  text: z.string(),
  at: z.string(),
});
export const HistoryPage = z.object({ entries: z.array(HistoryEntry) });
export type HistoryPage = z.infer<typeof HistoryPage>;

export const WorkspaceListing = z.object({ files: z.array(z.object({ path: z.string(), bytes: z.int() })) });
export type WorkspaceListing = z.infer<typeof WorkspaceListing>;

/** A relative path of at most 8 segments, none of them `.`, `..` or empty, no control or format characters. */
export const WorkspacePath = z
  .string()
  .max(300)
  .regex(/^[\p{L}\p{N}_.@+ -]+(?:\/[\p{L}\p{N}_.@+ -]+){0,7}$/u)
  .refine((path) => path.split('/').every((part) => part !== '.' && part !== '..' && part.trim() === part));
