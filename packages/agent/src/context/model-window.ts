import type { AgentStart } from '@openlegion/contract/agent-api';
import type { Route } from '@openlegion/contract/mesh-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { MIN_PROMPT_SHARE } from '../model/call-options.ts';
import { isOverflow } from '../model/is-overflow.ts';
import type { ModelStream } from '../model/model-stream.ts';
import { requestRoute } from '../model/request-route.ts';
import type { MeshClient } from '../pipe/pipe.ts';
import { picturesFor } from '../prompt/show-pictures.ts';

/** Of a model that nobody could be asked about: its call will say what is wrong. */
const UNKNOWN_TOKENS = 128_000;
/** What was too much for the model by its own count is counted too low here, text of few letters for example. */
const OVERFLOW_SHARE = 0.6;
/** Larger windows are not filled: what they hold has to pass this container's memory with every call. */
const MAX_TOKENS = 1_000_000;

export interface ModelWindow {
  /** Tokens that a prompt may have. */
  size: (signal: AbortSignal) => Promise<number>;
  /** How many pictures a prompt may have. */
  pictures: () => number;
  /** The same stream, from which it is learnt when another model takes over. */
  watch: (stream: ModelStream) => ModelStream;
}

/** How large the window is of the model that will be asked, as the host says; of the last one asked, once there was one. */
export function createModelWindow(agent: AgentStart, mesh: MeshClient): ModelWindow {
  let known: { contextTokens: number; imageTokens?: number | undefined } | undefined;
  let share = 1;
  return {
    async size(signal) {
      known ??= await askHost(agent, mesh, signal);
      const contextTokens = Math.floor(Math.min(known?.contextTokens ?? UNKNOWN_TOKENS, MAX_TOKENS) * share);
      return Math.max(contextTokens - agent.maxTokens, Math.floor(contextTokens * MIN_PROMPT_SHARE));
    },
    pictures: () => (known === undefined ? 0 : picturesFor(known)),
    watch: (stream) =>
      async function* watched(request, signal) {
        for await (const event of stream(request, signal)) {
          if (event.type === 'routed' && event.contextTokens !== undefined)
            known = { contextTokens: event.contextTokens, imageTokens: event.imageTokens };
          if (event.type === 'failed' && isOverflow(event.refusal)) share *= OVERFLOW_SHARE;
          yield event;
        }
      },
  };
}

async function askHost(agent: AgentStart, mesh: MeshClient, signal: AbortSignal): Promise<Route | undefined> {
  try {
    return await requestRoute(mesh, { model: agent.model, failed: [] }, signal);
  } catch (error) {
    if (error instanceof OpenLegionError) return undefined;
    throw error;
  }
}
