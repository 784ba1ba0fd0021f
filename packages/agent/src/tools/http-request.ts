import { z } from 'zod';
import { orRefused } from './answer-of-mesh.ts';
import type { OutputCapture } from './output-capture.ts';
import type { OutsideAnswer, SendOutside } from './send-outside.ts';
import { type AnyTool, defineTool, type ToolContext } from './tool.ts';

const MAX_TIMEOUT_S = 120;
const MAX_BYTES = 8 * 1024 * 1024;
const MAX_BODY_CHARS = 1024 * 1024;
/** What belongs to the connection, which is not the caller's. */
const OF_THE_CONNECTION =
  /^(?:host|connection|content-length|expect|keep-alive|te|trailer|transfer-encoding|upgrade|proxy-.*)$/i;

/** An address of the outside: without user and password, which would stand in logs of the far side. */
export const OutsideUrl = z
  .url({ protocol: /^https?$/ })
  .max(8192)
  .refine((text) => {
    const url = URL.parse(text);
    return url !== null && url.username === '' && url.password === '';
  }, 'no user or password in the address; send an Authorization header');

const Headers = z
  .record(
    z
      .string()
      .max(100)
      .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/)
      .refine((name) => !OF_THE_CONNECTION.test(name), 'this header is set by the connection'),
    z
      .string()
      .max(8192)
      .regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'a header is one line'),
  )
  .refine((headers) => Object.keys(headers).length <= 50, 'at most 50 headers');

/** One HTTP request to the outside, through the proxy, which decides on it. */
export function createHttpRequest(options: {
  send: SendOutside;
  capture: (context: ToolContext) => OutputCapture;
}): AnyTool {
  return defineTool({
    name: 'http_request',
    description:
      'Send an HTTP request to a host that you were granted. A credential that you were granted (see vault_list) is sent by its handle, `Authorization: Bearer $CRED{name}`; you never see its value. Redirects are not followed.',
    schema: z.strictObject({
      method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
      url: OutsideUrl,
      headers: Headers.default({}),
      body: z.string().max(MAX_BODY_CHARS).optional(),
      timeout_s: z.int().min(1).max(MAX_TIMEOUT_S).default(30),
    }),
    timeoutMs: (MAX_TIMEOUT_S + 10) * 1000,
    run: ({ url, body, timeout_s, ...request }, context) =>
      orRefused(async () => {
        const limit = AbortSignal.timeout(timeout_s * 1000);
        const signal = AbortSignal.any([context.signal, limit]);
        const sent = { ...request, url: new URL(url), ...(body === undefined ? {} : { body }) };
        let answer: OutsideAnswer;
        try {
          answer = await options.send(sent, { maxBytes: MAX_BYTES, signal });
        } catch (error) {
          if (!limit.aborted || context.signal.aborted) throw error;
          return { outcome: 'error', output: `no answer within ${timeout_s} s` };
        }
        const capture = options.capture(context);
        capture.add(Buffer.from(`${headOf(answer)}\n\n`));
        capture.add(answer.body);
        const output = `${capture.finish().trimEnd()}${noteOn(answer, limit.aborted ? timeout_s : null)}`;
        return { outcome: answer.status < 400 && answer.cut !== 'broken' ? 'ok' : 'error', output };
      }),
  });
}

function headOf({ status, statusText, headers }: OutsideAnswer): string {
  return [
    `HTTP ${status} ${statusText}`.trimEnd(),
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ].join('\n');
}

function noteOn({ status, headers, cut }: OutsideAnswer, timeoutS: number | null): string {
  const location = headers.find(([name]) => name === 'location')?.[1];
  if (cut === 'bound') return `\n[read no further than ${MAX_BYTES / 1024 / 1024} MiB]`;
  if (cut === 'broken') return `\n[the answer broke off${timeoutS === null ? '' : ` after ${timeoutS} s`}]`;
  return status >= 300 && status < 400 && location !== undefined
    ? `\n[a redirect, not followed: request ${location} if that is right]`
    : '';
}
