import { z } from 'zod';

/* What is read of the Agent Client Protocol (agentclientprotocol.com/protocol/schema, version 1); the rest is passed over. */

const Id = z.union([z.string().max(200), z.number(), z.null()]);

/** JSON-RPC 2.0: an answer, a request, or a notification. */
export const RpcMessage = z.union([
  z.object({ id: Id, method: z.string().max(200), params: z.unknown().optional() }),
  z.object({ method: z.string().max(200), params: z.unknown().optional() }),
  z.object({ id: Id, error: z.object({ code: z.number(), message: z.string() }) }),
  z.object({ id: Id, result: z.unknown().optional() }),
]);
export type RpcMessage = z.infer<typeof RpcMessage>;

export const Initialized = z.object({ protocolVersion: z.number() });
export const SessionOpened = z.object({ sessionId: z.string().min(1) });
export const PromptEnded = z.object({ stopReason: z.string() });

const TextContent = z.object({ type: z.literal('text'), text: z.string() });
const OtherContent = z.object({ type: z.string() });
const Content = z.union([TextContent, OtherContent]);

const ToolContent = z.union([
  z.object({ type: z.literal('content'), content: Content }),
  z.object({ type: z.literal('diff'), path: z.string() }),
  z.object({ type: z.string() }),
]);
export type ToolContent = z.infer<typeof ToolContent>;

export const ToolCall = z.object({
  toolCallId: z.string().max(1000),
  title: z.string().nullish(),
  kind: z.string().nullish(),
  status: z.string().nullish(),
  rawInput: z.unknown().optional(),
  rawOutput: z.unknown().optional(),
  content: z.array(ToolContent).nullish(),
});
export type ToolCall = z.infer<typeof ToolCall>;

export const SessionUpdate = z.object({
  sessionId: z.string(),
  update: z.union([
    z.object({
      sessionUpdate: z.enum(['agent_message_chunk', 'agent_thought_chunk']),
      content: Content,
    }),
    z.object({ sessionUpdate: z.enum(['tool_call', 'tool_call_update']), ...ToolCall.shape }),
  ]),
});
export type SessionUpdate = z.infer<typeof SessionUpdate>['update'];

export const PermissionAsked = z.object({
  sessionId: z.string(),
  toolCall: ToolCall,
  options: z.array(z.object({ optionId: z.string(), kind: z.string() })).max(100),
});
export type PermissionAsked = z.infer<typeof PermissionAsked>;

export const FileRead = z.object({
  path: z.string(),
  line: z.int().positive().nullish(),
  limit: z.int().nonnegative().nullish(),
});
export const FileWrite = z.object({ path: z.string(), content: z.string() });

export function textOf(content: z.infer<typeof Content>): string {
  return content.type === 'text' && 'text' in content ? content.text : '';
}
