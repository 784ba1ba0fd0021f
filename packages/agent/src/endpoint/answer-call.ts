import type { Route } from '@openlegion/contract/mesh-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { requestRoute } from '../model/request-route.ts';
import type { CallFailure, Exchange } from './exchange.ts';
import { passThrough } from './pass-through.ts';
import { sendJson, sendRefusal } from './send-refusal.ts';
import { translate } from './translate.ts';

/** A chain is short; this only bounds a mesh that names the same models for ever. */
const MAX_ATTEMPTS = 8;

/**
 * Asks the mesh for a route and calls its model: as the client said it where the provider speaks the client's
 * dialect, translated otherwise. A failure that another model may not have, before anything was answered, is followed
 * by the next route. What fails at last is told as the provider or the mesh said it.
 */
export async function answerCall(exchange: Exchange, model: string): Promise<void> {
  const { mesh, response, signal, wire } = exchange;
  const failed: string[] = [];
  let last: CallFailure | undefined;
  try {
    while (failed.length < MAX_ATTEMPTS) {
      let route: Route;
      try {
        route = await requestRoute(mesh, { model, failed }, signal);
      } catch (error) {
        // The end of the chain: the last model's own failure says more than that.
        if (last !== undefined && !signal.aborted) break;
        throw error;
      }
      if (failed.includes(route.model)) break;
      const attempt = route.dialect === wire.dialect ? passThrough : translate;
      last = await attempt(exchange, route);
      if (last === undefined) return;
      if (!last.transient) break;
      failed.push(route.model);
    }
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof OpenLegionError) || response.headersSent) throw error;
    sendRefusal(response, error.refusal);
    return;
  }
  if (last === undefined || signal.aborted) return;
  const after = last.retryAfter === undefined ? {} : { 'retry-after': last.retryAfter };
  sendJson(response, last.status, last.body, after);
}
