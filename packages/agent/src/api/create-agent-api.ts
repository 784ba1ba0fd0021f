/*
 * Everything that is loaded before the first message: what is here, and no schema. `/status` answers at once,
 * `/start` opens `/data`, and the rest comes with the first request that needs it (`create-chat-routes.ts`).
 */
import { mkdirSync, rmSync } from 'node:fs';
import type { AgentStart, AgentStatus } from '@openlegion/contract/agent-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Database } from '../history/database.ts';
import type { AgentPaths } from '../paths.ts';
import type { HostRequest } from '../pipe/pipe.ts';
import { AGENT_VERSION } from '../version.ts';
import { answerEmpty, answerJson, answerRefusal, refusalOf } from './answer.ts';
import { parseStart } from './parse-start.ts';
import { readJson } from './read-body.ts';

const START_BYTES = 256 * 1024;

/** What a started agent is made of. */
export interface StartedAgent {
  start: AgentStart;
  database: Database;
  paths: AgentPaths;
}

/** What the chat routes show of themselves to `/status`. */
export interface Progress {
  count: number;
  messageId: string | undefined;
}

export type ChatRoutes = (request: HostRequest) => Promise<void>;

export interface AgentApiParts {
  paths: AgentPaths;
  openDatabase: (path: string) => Promise<Database>;
  /** Makes ready what other programs of the container reach out by. */
  openWayOut: (start: AgentStart) => Promise<void>;
  loadChatRoutes: (agent: StartedAgent, progress: Progress) => Promise<ChatRoutes>;
  log: (error: unknown) => void;
}

/** Handles the host's requests. Never throws: what fails is answered as a refusal. */
export function createAgentApi(parts: AgentApiParts): (request: HostRequest) => Promise<void> {
  const progress: Progress = { count: 0, messageId: undefined };
  let started: Promise<StartedAgent> | undefined;
  let routes: Promise<ChatRoutes> | undefined;
  let skillsGiven = false;

  const start = async (request: HostRequest): Promise<StartedAgent> => {
    const agent = parseStart(await readJson(request.stream, START_BYTES));
    mkdirSync(parts.paths.workspace, { recursive: true });
    // What was given to an earlier container and not to this one was taken away.
    if (!skillsGiven) rmSync(`${parts.paths.skills}/operator`, { recursive: true, force: true });
    await parts.openWayOut(agent);
    return { start: agent, database: await parts.openDatabase(parts.paths.database), paths: parts.paths };
  };

  const answer = async (request: HostRequest): Promise<void> => {
    const { method, path, stream } = request;
    if (method === 'GET' && path === '/status') {
      answerJson(stream, 200, status(started !== undefined, progress));
      return;
    }
    if (method === 'POST' && path === '/start') {
      if (started !== undefined) throw startedAlready();
      started = start(request);
      try {
        await started;
      } catch (error) {
        started = undefined;
        throw error;
      }
      answerEmpty(stream, 204);
      return;
    }
    if (method === 'PUT' && path === '/skills') {
      const { receiveSkills } = await import('../skills/receive-skills.ts');
      await receiveSkills(stream, parts.paths.skills);
      skillsGiven = true;
      answerEmpty(stream, 204);
      return;
    }
    if (started === undefined) throw notStarted();
    routes ??= parts.loadChatRoutes(await started, progress);
    await (await routes)(request);
  };

  return async (request) => {
    try {
      await answer(request);
    } catch (error) {
      if (!(error instanceof OpenLegionError)) parts.log(error);
      answerRefusal(request.stream, refusalOf(error));
    }
  };
}

function status(started: boolean, progress: Progress): AgentStatus {
  const { count, messageId } = progress;
  return {
    state: !started ? 'waiting' : messageId === undefined ? 'idle' : 'busy',
    version: AGENT_VERSION,
    progress: count,
    ...(messageId === undefined ? {} : { messageId }),
  };
}

function startedAlready(): OpenLegionError {
  return new OpenLegionError({
    code: 'conflict',
    rule: 'agent.start',
    message: 'The agent was started already.',
    remedy: 'Start a new container to start it anew.',
  });
}

function notStarted(): OpenLegionError {
  return new OpenLegionError({
    code: 'unavailable',
    rule: 'agent.start',
    message: 'The agent was not started yet.',
    remedy: 'POST /start first.',
  });
}
