import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Workspace } from '../../workspace/create-workspace.ts';
import type { ProgramDriver, ProgramEvent, ProgramRequest } from '../program-driver.ts';
import { renderRequest } from '../render-request.ts';
import { RUNTIME_LIMITS } from '../runtime-limits.ts';
import { brokenProtocol, programFailed } from '../runtime-refusals.ts';
import { type Program, startProgram } from '../start-program.ts';
import { type AcpConnection, connectAcp, type Received } from './acp-connection.ts';
import { answerPermission, type Grants } from './answer-permission.ts';
import { Initialized, PermissionAsked, PromptEnded, SessionOpened, SessionUpdate } from './messages.ts';
import { readUpdate, type SeenCalls } from './read-update.ts';
import { serveFiles } from './serve-files.ts';

const PROTOCOL_VERSION = 1;
const METHOD_NOT_FOUND = -32_601;
const INVALID_PARAMS = -32_602;
const REFUSED = -32_000;

export interface AcpParts {
  command: readonly string[];
  cwd: string;
  variables: () => Record<string, string>;
  workspace: Workspace;
  grants: Grants;
}

interface OpenSession {
  program: Program;
  connection: AcpConnection;
  sessionId: string;
}

/**
 * The Agent Client Protocol, with us as the client: one process and one session for as long as the conversation goes
 * on, begun anew after a reset, and after the end of either with the conversation so far in its first prompt.
 */
export function createAcpDriver(parts: AcpParts): ProgramDriver {
  const files = serveFiles(parts.workspace, parts.cwd);
  let session: OpenSession | undefined;

  const close = async () => {
    const closing = session;
    session = undefined;
    await closing?.program.stop();
  };

  async function open(signal: AbortSignal): Promise<OpenSession> {
    const program = await startProgram({ command: parts.command, cwd: parts.cwd, env: parts.variables() });
    try {
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(RUNTIME_LIMITS.startMs)]);
      const connection = connectAcp(program);
      const initialized = Initialized.safeParse(
        await connection.call(
          'initialize',
          {
            protocolVersion: PROTOCOL_VERSION,
            clientCapabilities: { fs: { readTextFile: true, writeTextFile: true }, terminal: false },
            clientInfo: { name: 'openlegion', title: 'OpenLegion', version: '1' },
          },
          deadline,
        ),
      );
      if (!initialized.success || initialized.data.protocolVersion !== PROTOCOL_VERSION) {
        throw brokenProtocol(program.name, `it does not speak version ${PROTOCOL_VERSION} of the protocol`);
      }
      const opened = SessionOpened.safeParse(
        await connection.call('session/new', { cwd: parts.cwd, mcpServers: [] }, deadline),
      );
      if (!opened.success) throw brokenProtocol(program.name, 'it opened a session without an id');
      session = { program, connection, sessionId: opened.data.sessionId };
      return session;
    } catch (error) {
      await program.stop();
      throw error;
    }
  }

  return {
    async *answer(request) {
      if (request.first || session?.program.ended()) await close();
      let text = request.text;
      if (session === undefined) {
        text = renderRequest(request);
        await open(request.signal).catch((error: unknown) => {
          if (!request.signal.aborted) throw error;
        });
      }
      if (session === undefined || request.signal.aborted) return;
      try {
        const ended = yield* prompt(parts, files, session, request, text);
        if (!ended) await close();
        else session.program.rest();
      } catch (error) {
        await close();
        throw error;
      }
    },
  };
}

/** One prompt to its end; false when the program did not end it after a cancel, and is not to be used again. */
async function* prompt(
  parts: AcpParts,
  files: ReturnType<typeof serveFiles>,
  session: OpenSession,
  request: ProgramRequest,
  text: string,
): AsyncGenerator<ProgramEvent, boolean> {
  const { program, connection, sessionId } = session;
  const { signal } = request;
  const seen: SeenCalls = new Map();
  program.attend();
  const id = connection.request('session/prompt', { sessionId, prompt: [{ type: 'text', text }] });
  let deadline = signal;
  let asked = 0;
  for (;;) {
    const received = await connection.next(deadline);
    if (received === 'late') {
      if (deadline !== signal) return false;
      connection.notify('session/cancel', { sessionId });
      deadline = AbortSignal.timeout(RUNTIME_LIMITS.cancelMs);
      continue;
    }
    switch (received.type) {
      case 'notification': {
        const update = received.method === 'session/update' ? SessionUpdate.safeParse(received.params) : null;
        if (update?.success && update.data.sessionId === sessionId)
          yield* readUpdate(update.data.update, seen);
        break;
      }
      case 'request':
        await serve(received, `permission_${asked++}`);
        break;
      case 'result':
      case 'error':
        if (received.id !== id) break;
        if (received.type === 'error') {
          if (signal.aborted) return true;
          throw programFailed(program.name, `refused the prompt: ${received.message.slice(0, 600)}`, '');
        }
        checkEnd(program, received.result);
        return true;
    }
  }

  /** One at a time and in order: a program that waits for an answer has nothing else to say. */
  async function serve(asks: Extract<Received, { type: 'request' }>, callId: string): Promise<void> {
    try {
      switch (asks.method) {
        case 'session/request_permission': {
          const permission = PermissionAsked.parse(asks.params);
          const call = { messageId: request.messageId, callId, signal };
          connection.reply(asks.id, await answerPermission(permission, parts.grants, call));
          return;
        }
        case 'fs/read_text_file':
          return connection.reply(asks.id, await files.read(asks.params));
        case 'fs/write_text_file':
          return connection.reply(asks.id, await files.write(asks.params));
        default:
          return connection.refuse(asks.id, METHOD_NOT_FOUND, 'this client has no such method');
      }
    } catch (error) {
      if (error instanceof OpenLegionError) return connection.refuse(asks.id, REFUSED, error.refusal.message);
      connection.refuse(asks.id, INVALID_PARAMS, 'the parameters could not be read');
    }
  }
}

/** Why a turn ended that did not end with an answer. */
const ENDS = new Map([
  ['max_tokens', 'reached its limit of tokens'],
  ['max_turn_requests', 'reached its limit of model calls for one turn'],
  ['refusal', 'declined to go on'],
]);

function checkEnd(program: Program, result: unknown): void {
  const ended = PromptEnded.safeParse(result);
  if (!ended.success) throw brokenProtocol(program.name, 'it ended a prompt without a reason');
  const why = ENDS.get(ended.data.stopReason);
  if (why !== undefined) throw programFailed(program.name, why, '');
}
