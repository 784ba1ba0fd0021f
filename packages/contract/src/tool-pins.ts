import { z } from 'zod';

/*
 * What an operator holds the tools of MCP servers to. The agent tells the host what each server says of its tools; the
 * host keeps what it was told first, and says of each whether it is still that.
 *
 * | mesh route           | body        | answer   | permission                                   |
 * |----------------------|-------------|----------|----------------------------------------------|
 * | POST /mesh/tool-pins | ReportTools | ToolPins | self: servers of its own `mcp_servers` alone |
 *
 * The agent's own loop keeps a tool that is not `pinned` from the model: agent-enforced, as is everything that happens
 * between programs of one container. What a tool can reach is decided on the host side in any case.
 */

const ServerName = z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/);
/** As the server says it. */
const ToolName = z.string().min(1).max(200);

export const ReportTools = z.strictObject({
  server: ServerName,
  tools: z
    .array(z.strictObject({ name: ToolName, definition: z.string().max(24_000) }))
    .max(128)
    .refine((tools) => new Set(tools.map(({ name }) => name)).size === tools.length, 'each name once'),
});
export type ReportTools = z.infer<typeof ReportTools>;

/** `changed`: it is not what it was; `new`: the server did not have it when its tools were pinned. */
export const PinState = z.enum(['pinned', 'changed', 'new']);
export type PinState = z.infer<typeof PinState>;

export const ToolPins = z.object({ tools: z.array(z.object({ name: z.string(), state: PinState })) });
export type ToolPins = z.infer<typeof ToolPins>;

/*
 * | control route                  | body        | answer      |
 * |--------------------------------|-------------|-------------|
 * | GET  /api/mcp/tools            |             | PinnedTools |
 * | POST /api/mcp/tools/approve    | ApproveTool | {}          |
 */
export const PinnedTools = z.object({
  tools: z.array(
    z.object({
      agent: z.string(),
      server: z.string(),
      name: z.string(),
      state: PinState,
      /** What holds; null for one that is new. */
      pinned: z.string().nullable(),
      /** What the server says now; null where it is what holds. */
      now: z.string().nullable(),
      /** SHA-256 of `now`, or of `pinned`: what an approval names. */
      hash: z.string(),
      since: z.string(),
    }),
  ),
});
export type PinnedTools = z.infer<typeof PinnedTools>;

/** The hash is that of the definition which was shown: one that has changed since is not approved. */
export const ApproveTool = z.strictObject({
  agent: z.string().max(63),
  server: ServerName,
  name: ToolName,
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});
export type ApproveTool = z.infer<typeof ApproveTool>;
