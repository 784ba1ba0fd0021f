import type { ServerResponse } from 'node:http';
import type { Refusal, RefusalBody } from '@openlegion/contract/refusal';
import { refusal } from '../../process/refusal.ts';
import { refusalStatus } from '../../process/refusal-status.ts';
import { VaultError } from '../../process/vault-error.ts';

/** The one body of every refusal; readable by OpenAI's and Anthropic's clients. */
export function refusalBody(refusal: Refusal): string {
  const body: RefusalBody = { type: 'error', error: { type: 'openlegion_refusal', ...refusal } };
  return JSON.stringify(body);
}

/** A refusal answers as itself; anything else is a fault of ours, whose text stays inside. */
export function asRefusal(error: unknown): Refusal {
  if (error instanceof VaultError) return error.refusal;
  return refusal('vault.gateway').refusal;
}

/** Answers, unless an answer has begun: then the connection is cut, so that nobody takes half for the whole. */
export function answerRefusal(response: ServerResponse, refusal: Refusal): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = refusalBody(refusal);
  response.writeHead(refusalStatus(refusal.code), {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
