import { existsSync, readFileSync } from 'node:fs';
import { AgentName } from '@openlegion/contract/agent-name';
import { AgentsConfig } from '@openlegion/contract/agents-config';
import { configPaths } from '@openlegion/contract/installation';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { parse } from 'yaml';
import { unknownAgent } from '../commands/chat.ts';

/** Throws `not_found` for a name that config/agents.yaml does not have. Where that cannot be read, names pass by form. */
export function requireAgents(home: string, agents: readonly string[]): void {
  const { agents: file, directory } = configPaths(home);
  if (!existsSync(file))
    throw new OpenLegionError({
      code: 'not_found',
      rule: 'cli.configuration',
      message: `There is no configuration in ${directory} yet.`,
      remedy: 'Run ./openlegion start, which makes one, or name the installation with --home.',
    });
  const config = AgentsConfig.safeParse(parse(readFileSync(file, 'utf8')));
  const names = config.success ? Object.keys(config.data.agents) : null;
  for (const agent of agents)
    if (!AgentName.safeParse(agent).success || names?.includes(agent) === false)
      throw unknownAgent(agent, names ?? []);
}
