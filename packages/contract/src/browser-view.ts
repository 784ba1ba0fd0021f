import { z } from 'zod';

/**
 * The live view of an agent's browser, for a person who watches and takes over. On the pipe and, with `/api/agents/
 * {name}` in front, on the control API:
 *
 * | method and path      | body          | answer                                                  | role     |
 * |----------------------|---------------|---------------------------------------------------------|----------|
 * | GET  /browser/frames |               | application/x-ndjson of BrowserFrame, until it is closed | operator |
 * | POST /browser/input  | BrowserInputs | 204                                                     | operator |
 *
 * Both start the browser where none runs, and are refused without `can_use_browser`. A frame shows what a page drew:
 * it, the address and the title are untrusted; the host lets nothing else through. An empty line is a sign of life.
 */
export const BrowserFrame = z.strictObject({
  /** A JPEG; the prefix is that of its first three bytes. */
  jpeg: z
    .base64()
    .startsWith('/9j/')
    .max(2 * 1024 * 1024),
  url: z.string().max(2000),
  title: z.string().max(300),
  width: z.int().min(1).max(10_000),
  height: z.int().min(1).max(10_000),
  /** Whether a person holds it: the agent's own tools wait meanwhile. */
  held: z.boolean(),
});
export type BrowserFrame = z.infer<typeof BrowserFrame>;

const Coordinate = z.number().min(0).max(10_000);
const Distance = z.number().min(-10_000).max(10_000);

/** What a person does. Coordinates are those of the frame. */
export const BrowserInput = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('mouse'),
    event: z.enum(['move', 'down', 'up']),
    x: Coordinate,
    y: Coordinate,
    button: z.enum(['left', 'right', 'middle']).default('left'),
  }),
  z.strictObject({ type: z.literal('wheel'), x: Distance, y: Distance }),
  /** A key by its name in Playwright: `Enter`, `a`, `ArrowLeft`. */
  z.strictObject({ type: z.literal('key'), event: z.enum(['down', 'up']), key: z.string().min(1).max(30) }),
  z.strictObject({ type: z.literal('text'), text: z.string().max(10_000) }),
  z.strictObject({ type: z.literal('navigate'), url: z.url({ protocol: /^https?$/ }).max(8192) }),
  z.strictObject({ type: z.literal('go'), to: z.enum(['back', 'forward', 'reload']) }),
  z.strictObject({ type: z.literal('hold'), on: z.boolean() }),
]);
export type BrowserInput = z.infer<typeof BrowserInput>;

export const BrowserInputs = z.strictObject({ events: z.array(BrowserInput).min(1).max(100) });
export type BrowserInputs = z.infer<typeof BrowserInputs>;
