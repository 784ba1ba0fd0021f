import { readFileSync } from 'node:fs';
import { AgentsConfig } from '@openlegion/contract/agents-config';
import { configPaths } from '@openlegion/contract/installation';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { parse } from 'yaml';
import type { CommandContext } from '../command-context.ts';
import { changeConfiguration } from '../configuration/change-configuration.ts';
import { editOwnModels } from '../models/edit-own-models.ts';
import { fetchModelsDev } from '../models/fetch-models-dev.ts';
import { providersOnDisk, readMeshConfig } from '../models/known-models.ts';
import { type ModelsDev, theirProviderId } from '../models/models-dev.ts';
import { modelsNamed, refreshChanges } from '../models/refresh-changes.ts';
import { confirm } from '../terminal/confirm.ts';
import { safeText } from '../terminal/safe-text.ts';

export interface ModelsRefreshOptions {
  provider?: string[];
  from: string;
  yes: boolean;
}

/**
 * Shows where the prices of models differ from those of a list, and after a yes writes them into config/mesh.yaml, where
 * they are the operator's own. Nothing that the list says applies without that. Exit code 1 when the answer was no.
 */
export async function modelsRefresh(
  context: CommandContext,
  options: ModelsRefreshOptions,
  get: typeof fetch,
): Promise<number> {
  const { home, terminal } = context;
  const known = providersOnDisk(home);
  const stranger = options.provider?.find((id) => !known.some((provider) => provider.id === id));
  if (stranger !== undefined)
    throw new OpenLegionError({
      code: 'not_found',
      rule: 'cli.models.provider',
      message: `There is no model provider ${JSON.stringify(stranger.slice(0, 63))}.`,
      remedy: './openlegion models list shows those there are.',
    });
  const here = options.provider ? [] : modelsHere(home);
  const source = await fetchModelsDev(options.from, get);
  const names = options.provider ? modelsThere(options.provider, source) : here;
  const { changes, missing } = refreshChanges(names, known, source);
  if (missing.length > 0)
    terminal.line(`Not in the list, and left as they are: ${safeText(missing.join(', '))}`);
  if (changes.length === 0) {
    terminal.line(`As in the list: the prices of all others (${names.length - missing.length}).`);
    return 0;
  }
  terminal.line('In US dollars per million tokens:');
  for (const line of changes.flatMap((change) => change.lines))
    terminal.line(terminal.style(line.startsWith('-') ? 'red' : 'green', `  ${safeText(line)}`));
  const question = `Write ${changes.length === 1 ? 'this price' : `these ${changes.length} prices`} into config/mesh.yaml?`;
  if (!(await confirm(terminal, question, options.yes))) {
    terminal.line('Nothing was changed.');
    return 1;
  }
  await changeConfiguration(context, configPaths(home).mesh, (text) => editOwnModels(text, changes));
  return 0;
}

function modelsThere(providers: readonly string[], source: ModelsDev): string[] {
  return providers.flatMap((id) =>
    [...(source.get(theirProviderId(id))?.keys() ?? [])].map((model) => `${id}/${model}`),
  );
}

function modelsHere(home: string): string[] {
  const mesh = readMeshConfig(home);
  if (!mesh)
    throw new OpenLegionError({
      code: 'not_found',
      rule: 'cli.configuration',
      message: `${configPaths(home).mesh} is not there, or not valid.`,
      remedy: 'Write the configuration with ./openlegion start, or name providers with --provider.',
    });
  const agents = AgentsConfig.safeParse(parse(readFileSync(configPaths(home).agents, 'utf8')));
  const models = agents.success ? Object.values(agents.data.agents).map(({ model }) => model) : [];
  return modelsNamed(mesh, models);
}
