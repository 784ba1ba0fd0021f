import { Readable } from 'node:stream';
import type { ProgramDriver, ProgramEvent, ProgramRequest } from '../program-driver.ts';
import { RUNTIME_LIMITS } from '../runtime-limits.ts';
import { brokenProtocol, programFailed, tooMuchOutput } from '../runtime-refusals.ts';
import type { Program } from '../start-program.ts';
import { createProgramServer } from './program-server.ts';
import { readCompletion } from './read-completion.ts';

const ERROR_BYTES = 16 * 1024;

/**
 * A server of chat completions on the container's loopback. Each message is one call with the conversation before
 * it: the server need remember nothing. Tools are the server's own affair; calls that it asks us to make are refused,
 * for there are none here.
 */
export function createOpenaiDriver(options: {
  command: readonly string[];
  cwd: string;
  port: number;
  variables: () => Record<string, string>;
  model: string;
}): ProgramDriver {
  const base = `http://127.0.0.1:${options.port}/v1`;
  // Not the one that heeds proxies: this is the container's own loopback.
  const server = createProgramServer({ ...options, base, fetch });
  return {
    async *answer(request) {
      const { signal } = request;
      let program: Program;
      try {
        program = await server.ready(signal);
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      try {
        yield* complete(program, base, options.model, request);
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
    },
  };
}

async function* complete(
  program: Program,
  base: string,
  model: string,
  request: ProgramRequest,
): AsyncGenerator<ProgramEvent, void> {
  const { instructions, before, text, signal } = request;
  const messages = [
    ...(instructions === '' ? [] : [{ role: 'system', content: instructions }]),
    ...before.map((said) => ({ role: said.role, content: said.text })),
    { role: 'user', content: text },
  ];
  let response: Response;
  try {
    response = await fetch(`${base}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer none' },
      body: JSON.stringify({ model, messages, stream: true, user: request.from }),
      signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    throw programFailed(program.name, `did not take the message (${causeOf(error)})`, program.lastWords());
  }
  const body = response.body === null ? Readable.from([]) : Readable.fromWeb(response.body);
  if (!response.ok) {
    throw programFailed(program.name, `answered with status ${response.status}`, await startOf(body));
  }
  try {
    const end = yield* readCompletion(bounded(body, program.name));
    if (end.end === 'error')
      throw programFailed(program.name, 'reported an error', end.message.slice(0, 600));
    if (end.end === 'cut') throw programFailed(program.name, 'broke its answer off', program.lastWords());
    if (end.reason === 'tool_calls' || end.reason === 'function_call') {
      throw brokenProtocol(
        program.name,
        'it asked its client to call a tool, and has to call its tools itself',
      );
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TypeError || (error instanceof Error && error.name === 'AbortError')) {
      throw programFailed(program.name, 'broke its answer off', program.lastWords());
    }
    throw error;
  } finally {
    body.destroy();
  }
}

async function* bounded(body: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Buffer, void> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > RUNTIME_LIMITS.outputBytes)
      throw tooMuchOutput(name, RUNTIME_LIMITS.outputBytes / 1024 / 1024);
    yield Buffer.from(chunk);
  }
}

async function startOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > ERROR_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8').slice(0, RUNTIME_LIMITS.errorChars);
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'no answer';
}
