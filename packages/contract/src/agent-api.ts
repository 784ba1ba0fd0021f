import { z } from 'zod';
import { AgentName } from './agent-name.ts';
import { BrowserBackend, McpServerConfig, RuntimeConfig } from './agents-config.ts';
import { JsonValue } from './json-value.ts';
import { ModelName } from './model-name.ts';

/**
 * What the host asks of the agent: the outer HTTP/2 session of the pipe, host as client.
 *
 * | method and path            | body               | answer                                        |
 * |----------------------------|--------------------|-----------------------------------------------|
 * | GET  /status               |                    | AgentStatus                                   |
 * | PUT  /skills               | SkillFiles         | 204; before /start, and again when they change |
 * | POST /start                | AgentStart         | 204; opens /data; once per container          |
 * | POST /chat/stream          | ChatRequest        | 200 application/x-ndjson of TurnEvent         |
 * | POST /chat/steer           | SteerRequest       | 202 when a turn runs, else 409                |
 * | POST /chat/reset           |                    | 204; history is closed, not deleted           |
 * | POST /cancel               | CancelRequest      | 202 when that turn runs, else 404             |
 * | GET  /history?limit=N      |                    | HistoryPage                                   |
 * | GET  /turns/{messageId}    |                    | RecordedTurn, see recording.ts                |
 * | GET  /workspace            |                    | WorkspaceListing                              |
 * | GET  /workspace/{file}     |                    | 200 application/octet-stream                  |
 * | PUT  /workspace/{file}     | bytes              | 204                                           |
 * | GET  /browser/frames       |                    | BrowserFrame a line, see browser-view.ts      |
 * | POST /browser/input        | BrowserInputs      | 204                                           |
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

/** What only an agent at work has to know of itself. */
export const AgentExtras = z.strictObject({
  /** Of these, the ones that a person is asked about before each call. */
  askFor: z.array(z.string().max(100)),
  /** What PROJECT.md of the installation says, for every agent's prompt. */
  project: z.string().max(32_000),
  /** Null: memory works without embeddings of a model. */
  embeddingModel: ModelName.nullable(),
  /** Null where the agent may not use one. */
  browser: z
    .strictObject({
      backend: BrowserBackend,
      endpoint: z.string().nullable(),
      /** Patterns of `browser_actions`. */
      actions: z.array(z.string()),
    })
    .nullable(),
  mcpServers: z.array(McpServerConfig),
  /** Null: our own loop. */
  runtime: RuntimeConfig.nullable(),
});
export type AgentExtras = z.infer<typeof AgentExtras>;

export const AgentStart = z.strictObject({
  name: AgentName,
  role: z.string(),
  model: ModelName,
  maxTokens: z.int().positive(),
  temperature: z.number(),
  thinking: z.enum(['off', 'low', 'medium', 'high']),
  systemPrompt: z.string(),
  initialInstructions: z.string(),
  /** Names of tools the agent may offer to its model; `pattern*` for those that only the agent knows (MCP, skills). */
  tools: z.array(z.string().max(100)),
  /** An `AgentExtras`, which is parsed with the first turn: an agent at rest need not know what it says. */
  extras: z.record(z.string(), z.unknown()),
  /** What programs in the container need to reach out without knowing how. */
  egress: z.strictObject({
    /** The agent's own certificate authority: what the proxy's certificates are signed by. */
    authorityPem: z.string().max(8192),
    /** Variables with placeholders: `GITHUB_TOKEN=olp_…`. */
    environment: z.record(z.string().max(100), z.string().max(200)),
  }),
});
export type AgentStart = z.infer<typeof AgentStart>;

/** Begins `from` where no task is given: what came of one that was handed on or of a workflow, or an event on a topic. */
export const NEWS_OF = 'news:';

/**
 * One message for one turn. `messageId` is the idempotency key: an agent that is given a message it has already
 * answered repeats the recorded answer; one it was interrupted in, it resumes from its history.
 */
export const ChatRequest = z.strictObject({
  messageId: z.string().max(100),
  traceId: z.string().max(100),
  /** `user`, `operator`, `workflow:RUN` or an agent's name; the last two behind `news:` where they give no task. */
  from: z.string().max(100),
  text: z.string(),
  /**
   * `task`: bounded, ends with a structured result. `heartbeat`: a look around, bounded more tightly.
   * `chat` is what a person has with the agent.
   */
  mode: z.enum(['chat', 'task', 'heartbeat']).default('chat'),
  task: z
    .strictObject({
      type: z.string().max(200),
      input: JsonValue,
      /** What the work before it came to. */
      context: JsonValue,
      /** JSON Schema that the result is held to by whoever gave the task; null for any. */
      outputSchema: JsonValue,
    })
    .optional(),
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

/** What of `skills_dir` and of installed skills an agent is given: files below `/data/skills`, replaced as a whole. */
export const SkillFiles = z.strictObject({
  files: z.array(z.strictObject({ path: WorkspacePath, base64: z.base64().max(2_000_000) })).max(2000),
});
export type SkillFiles = z.infer<typeof SkillFiles>;
