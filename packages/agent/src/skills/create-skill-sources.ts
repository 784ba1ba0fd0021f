import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { McpServerConfig } from '@openlegion/contract/agents-config';
import { AUTHORITY_FILE, PROGRAM_ENVIRONMENT, PROXY_PORT } from '@openlegion/contract/program-environment';
import type { ModelStream } from '../model/model-stream.ts';
import type { AgentPaths } from '../paths.ts';
import type { MeshClient } from '../pipe/pipe.ts';
import { ours } from '../prompt/prompt-text.ts';
import { createOpenOutside } from '../tools/send-outside.ts';
import type { AnyTool } from '../tools/tool.ts';
import type { SkillRegistry } from './create-skill-registry.ts';
import { defineSkillTools } from './define-skill-tools.ts';
import type { ExtraTools, ToolSource } from './extra-tools.ts';

/**
 * Tools of skills and of MCP servers, and the agent's own tools about skills. Nothing of either is loaded where an agent
 * has neither: one look for a folder at each round is all that it costs. What fails costs its own tools alone.
 */
export function createSkillSources(options: {
  environment: Readonly<Record<string, string>>;
  mcpServers: readonly McpServerConfig[];
  paths: AgentPaths;
  mesh: MeshClient;
  stream: ModelStream;
  /** Names of the agent's own tools, those that it was not given included. */
  reserved: () => readonly string[];
  log: (error: unknown) => void;
}): { tools: AnyTool[]; sources: ToolSource[] } {
  const { paths, mcpServers, log } = options;
  const place = { workspace: paths.workspace, environment: options.environment };

  const registry = once(async (): Promise<SkillRegistry> => {
    const [{ createSkillRegistry }, { createDescribeSkills }] = await Promise.all([
      import('./create-skill-registry.ts'),
      import('./describe-skills.ts'),
    ]);
    const describe = createDescribeSkills(place);
    return createSkillRegistry({ directory: paths.skills, describe, reserved: options.reserved() });
  });
  const skills = once(async (): Promise<ToolSource> => {
    const { createSkillSource } = await import('./create-skill-source.ts');
    return createSkillSource({ registry: await registry(), place });
  });
  const mcp = once(() => loadMcp(options));

  return {
    tools: defineSkillTools({ directory: paths.skills, registry }),
    sources: [
      lazySource(() => (existsSync(paths.skills) ? skills() : null), log),
      lazySource(() => (mcpServers.length > 0 ? mcp() : null), log),
    ],
  };
}

const NOTHING: ExtraTools = { tools: [], prompt: ours`` };

function lazySource(load: () => Promise<ToolSource> | null, log: (error: unknown) => void): ToolSource {
  return {
    async refresh(round) {
      try {
        return (await (await load())?.refresh(round)) ?? NOTHING;
      } catch (error) {
        log(error);
        return NOTHING;
      }
    },
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

async function loadMcp(options: {
  environment: Readonly<Record<string, string>>;
  mcpServers: readonly McpServerConfig[];
  paths: AgentPaths;
  mesh: MeshClient;
  stream: ModelStream;
  log: (error: unknown) => void;
}): Promise<ToolSource> {
  const [
    { createMcpSource },
    { connectServer },
    { createOutsideFetch },
    { createSampling },
    { createElicitation },
    { createAskPins },
  ] = await Promise.all([
    import('../mcp/create-mcp-source.ts'),
    import('../mcp/connect-server.ts'),
    import('../mcp/outside-fetch.ts'),
    import('../mcp/answer-sampling.ts'),
    import('../mcp/answer-elicitation.ts'),
    import('../mcp/ask-pins.ts'),
  ]);
  const { workspace } = options.paths;
  const sampling = createSampling(options.stream);
  const parts = {
    workspace,
    environment: serverEnvironment(workspace, options.environment),
    fetch: createOutsideFetch(createOpenOutside(PROXY_PORT, () => readFileSync(AUTHORITY_FILE, 'utf8'))),
    sampling: sampling.answer,
    elicitation: createElicitation(options.mesh),
  };
  return createMcpSource({
    servers: options.mcpServers,
    connect: (server, signal) => connectServer(server, parts, signal),
    askPins: createAskPins(options.mesh),
    onMessage: sampling.reset,
    log: options.log,
    wait: (ms, signal) => wait(ms, undefined, { signal }).catch(() => {}),
  });
}

/** What a server's program finds; scripts of packages that npx fetches are not run. */
function serverEnvironment(
  workspace: string,
  environment: Readonly<Record<string, string>>,
): NodeJS.ProcessEnv {
  const { PATH = '/usr/local/bin:/usr/bin:/bin' } = process.env;
  return {
    ...PROGRAM_ENVIRONMENT,
    ...environment,
    npm_config_ignore_scripts: 'true',
    PATH: `/data/.local/bin:${PATH}`,
    HOME: workspace,
    LANG: 'C.UTF-8',
  };
}
