import { ANTHROPIC } from './dialects/anthropic.ts';
import { GOOGLE } from './dialects/google.ts';
import { OPENAI_CHAT } from './dialects/openai-chat.ts';
import { OPENAI_RESPONSES } from './dialects/openai-responses.ts';
import type { PathRequest, WireDialect } from './dialects/wire-dialect.ts';

export type Route =
  | { to: 'answer'; dialect: WireDialect; path: PathRequest | null }
  | { to: 'embeddings'; dialect: WireDialect }
  | { to: 'models'; dialect: WireDialect }
  | { to: 'nowhere'; dialect: WireDialect };

/** Which dialect a path speaks; a path that none knows is refused in OpenAI's. */
export function routeOf(method: string, target: string, headers: { anthropic: boolean }): Route {
  const path = target.split('?', 1)[0] ?? '';
  if (method === 'POST') {
    if (path === '/v1/chat/completions') return { to: 'answer', dialect: OPENAI_CHAT, path: null };
    if (path === '/v1/responses') return { to: 'answer', dialect: OPENAI_RESPONSES, path: null };
    if (path === '/v1/messages') return { to: 'answer', dialect: ANTHROPIC, path: null };
    if (path === '/v1/embeddings') return { to: 'embeddings', dialect: OPENAI_CHAT };
    const google = /^\/v1(?:beta)?\/models\/([^/:]+):(generateContent|streamGenerateContent)$/.exec(path);
    if (google) {
      const [, model = '', action] = google;
      // Server-sent events with and without `alt=sse`; Google's array of JSON is not played.
      const stream = action === 'streamGenerateContent';
      return { to: 'answer', dialect: GOOGLE, path: { model: decoded(model), stream } };
    }
  }
  if (method === 'GET') {
    if (path === '/v1/models') return { to: 'models', dialect: headers.anthropic ? ANTHROPIC : OPENAI_CHAT };
    if (path === '/v1beta/models') return { to: 'models', dialect: GOOGLE };
  }
  const dialect = path.startsWith('/v1beta/') ? GOOGLE : path === '/v1/messages' ? ANTHROPIC : OPENAI_CHAT;
  return { to: 'nowhere', dialect };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // Not a script's name either way: answered as unknown.
  }
}
