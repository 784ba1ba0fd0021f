import type { ServerResponse } from 'node:http';
import type { Refusal } from '@openlegion/contract/refusal';
import { REFUSAL_STATUS } from '@openlegion/contract/refusal-status';
import { refusalBody } from './answer-error.ts';

/** Readable by OpenAI's and Anthropic's clients alike. What is still coming of the request is let go. */
export function sendRefusal(response: ServerResponse, refusal: Refusal): void {
  sendJson(response, REFUSAL_STATUS[refusal.code], refusalBody(refusal));
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  if (response.destroyed || response.headersSent) return;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(text);
  response.req.resume();
}
