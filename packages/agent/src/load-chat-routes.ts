import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { AgentExtras } from '@openlegion/contract/agent-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { AUTHORITY_FILE, PROXY_PORT } from '@openlegion/contract/program-environment';
import type { ChatRoutes, Progress, StartedAgent } from './api/create-agent-api.ts';
import { createChatRoutes } from './api/create-chat-routes.ts';
import { createCondenser } from './context/condenser.ts';
import { createContextStore } from './context/context-store.ts';
import { createContext } from './context/create-context.ts';
import { createModelWindow } from './context/model-window.ts';
import { createHistory } from './history/create-history.ts';
import { createAskApproval } from './loop/ask-approval.ts';
import { withToolSearch } from './loop/find-tools.ts';
import { createOfferTools } from './loop/offer-tools.ts';
import { runTurn, type TurnParts } from './loop/run-turn.ts';
import { loadMemory } from './memory/load-memory.ts';
import { createModelStream } from './model/create-model-stream.ts';
import type { MeshClient } from './pipe/pipe.ts';
import { createSystemPrompt } from './prompt/create-system-prompt.ts';
import { readWorkspaceFiles } from './prompt/read-workspace-files.ts';
import { loadRuntime } from './runtime/load-runtime.ts';
import { createSkillSources } from './skills/create-skill-sources.ts';
import { createSubagents } from './subagents/create-subagents.ts';
import { createListSubagents } from './subagents/list-subagents.ts';
import { createSpawnSubagent } from './subagents/spawn-subagent.ts';
import { defineTools } from './tools/define-tools.ts';
import { createOutputFiles } from './tools/output-files.ts';
import { createSendOutside } from './tools/send-outside.ts';
import { createWorkspace } from './workspace/create-workspace.ts';
import { createGivenFiles } from './workspace/given-files.ts';
import { createKeepVersion } from './workspace/keep-version.ts';

const ABORT_GRACE_MS = 3000;

/** The second half of the wiring, which main.ts loads with the first request after `/start`. */
export async function loadChatRoutes(
  { start, database, paths }: StartedAgent,
  progress: Progress,
  mesh: MeshClient,
  log: (error: unknown) => void,
): Promise<ChatRoutes> {
  const extras = parseExtras(start.extras);
  const workspace = createWorkspace(paths.workspace);
  const browser =
    extras.browser &&
    (await import('./browser/load-browser.ts')).loadBrowser({ settings: extras.browser, paths, workspace });
  const history = createHistory(database, () => new Date().toISOString());
  const outputs = createOutputFiles(paths.toolOutput);
  const { isFirstTurn } = history;
  const keepVersion = createKeepVersion(paths.workspace, workspace);
  const given = createGivenFiles(database, workspace, keepVersion);
  const memory = loadMemory({ start, database, paths, workspace, keepVersion, mesh, isFirstTurn, log });
  const window = createModelWindow(start, mesh);
  const stream = window.watch(
    createModelStream({
      agent: start,
      mesh,
      wait: (ms, signal) => wait(ms, undefined, { signal }),
      random: Math.random,
      now: Date.now,
    }),
  );
  const subagents = createSubagents({ name: start.name, history, run: (turn) => runTurn(parts, turn), log });
  const skills = createSkillSources({
    environment: start.egress.environment,
    mcpServers: extras.mcpServers,
    paths,
    mesh,
    stream,
    reserved: () => [...own.tools.keys(), ...own.withheld],
    log,
  });
  const own = defineTools({
    workspace: paths.workspace,
    mesh,
    outputs,
    send: createSendOutside(PROXY_PORT, () => readFileSync(AUTHORITY_FILE, 'utf8')),
    granted: start.tools,
    environment: start.egress.environment,
    more: [
      ...memory.tools,
      createSpawnSubagent(subagents),
      createListSubagents(subagents),
      ...skills.tools,
      ...(browser?.tools ?? []),
    ],
  });
  const parts: TurnParts = {
    history,
    stream,
    offer: withToolSearch(
      createOfferTools({
        own,
        sources: skills.sources,
        granted: start.tools,
        depthOf: subagents.depthOf,
      }),
    ),
    runner: {
      fitOutput: outputs.fit,
      approve: createAskApproval(mesh, { granted: start.tools, askFor: extras.askFor }, history),
      clock: () => performance.now(),
      abortGraceMs: ABORT_GRACE_MS,
    },
    prompt: createContext({
      history,
      store: createContextStore(database),
      facts: memory.facts,
      condenser: createCondenser(stream),
      window: window.size,
      pictures: window.pictures,
      system: createSystemPrompt({
        agent: start,
        project: extras.project,
        readFiles: (mode) =>
          readWorkspaceFiles(paths.workspace, {
            ...{ system: memory.system, heartbeat: mode === 'heartbeat', isGiven: given.isGiven },
            // That a version cannot be kept does not stop the conversation: the next prompt tries again.
            keep: (file, content) => keepVersion(file, content).catch(log),
          }),
        isFirstTurn,
      }),
    }),
    log,
  };
  const routes = createChatRoutes({
    history,
    progress,
    workspace: given.workspace,
    prune: outputs.prune,
    program: loadRuntime({ start, extras, history, database, mesh, paths, outputs, log }),
    turn: parts,
    observe: memory.observe,
  });
  return browser ? browser.withView(routes) : routes;
}

function parseExtras(extras: Record<string, unknown>): AgentExtras {
  const parsed = AgentExtras.safeParse(extras);
  if (parsed.success) return parsed.data;
  throw new OpenLegionError({
    code: 'bad_request',
    rule: 'start.extras',
    message: 'What the host says of the agent is not what the agent knows.',
    remedy: 'The host and the agent image are of different versions: rebuild the image.',
  });
}
