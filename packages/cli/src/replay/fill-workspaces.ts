import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { ControlClient } from '../control/control-client.ts';

/** Puts the files of `folder`, which has a folder for each agent, into the agents' workspaces. */
export async function fillWorkspaces(control: ControlClient, folder: string): Promise<void> {
  for (const agent of directoryOf(folder)) {
    if (!statSync(join(folder, agent)).isDirectory()) continue;
    for (const file of readdirSync(join(folder, agent), { recursive: true, encoding: 'utf8' })) {
      const path = join(folder, agent, file);
      if (!statSync(path).isFile()) continue;
      const place = file.split(sep).map(encodeURIComponent).join('/');
      await control.bytes({
        method: 'PUT',
        path: `/api/agents/${encodeURIComponent(agent)}/workspace/${place}`,
        bytes: readFileSync(path),
      });
    }
  }
}

function directoryOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw new OpenLegionError(
      {
        code: 'not_found',
        rule: 'cli.replay.workspaces',
        message: `${folder} is not a folder that can be read.`,
        remedy: 'Make one with a folder for each agent, and in it the files of its workspace.',
      },
      { cause },
    );
  }
}
