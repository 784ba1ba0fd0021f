import { existsSync, readFileSync } from 'node:fs';
import type { CatalogProvider } from '@openlegion/contract/catalog';
import { ModelsView } from '@openlegion/contract/control-api';
import { configPaths } from '@openlegion/contract/installation';
import { MeshConfig } from '@openlegion/contract/mesh-config';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { ownModels } from '@openlegion/contract/own-models';
import { parse } from 'yaml';
import type { CommandContext } from '../command-context.ts';
import { createControlClient } from '../control/control-client.ts';
import { runningSupervisor } from '../supervisor/supervisor-file.ts';
import { readCatalogFile } from './catalog-file.ts';

export interface KnownModels extends ModelsView {
  /** Told by the running gateway, health included; otherwise read from the files. */
  running: boolean;
}

/** Every provider and model as it applies to this installation: asked of the fleet when it runs, else from the files. */
export async function knownModels({ home, terminal }: CommandContext): Promise<KnownModels> {
  if (runningSupervisor(home)?.port) {
    try {
      const request = { method: 'GET', path: '/api/models' } as const;
      return { running: true, ...(await createControlClient(home).json(ModelsView, request)) };
    } catch (error) {
      if (!(error instanceof OpenLegionError) || error.code !== 'unavailable') throw error;
      terminal.errorLine('The fleet does not answer; this is what the files say.');
    }
  }
  return { running: false, providers: providersOnDisk(home), health: [] };
}

/** The catalog, and over it what mesh.yaml adds and changes; the catalog alone where there is no valid mesh.yaml. */
export function providersOnDisk(home: string): CatalogProvider[] {
  const catalog = readCatalogFile();
  const own = Object.entries(readMeshConfig(home)?.llm.providers ?? {});
  const merged = new Map(catalog.map((provider) => [provider.id, provider]));
  for (const [id, { base_url: url, dialect, models }] of own) {
    const base = merged.get(id);
    merged.set(id, {
      ...(base ?? { id, name: id }),
      dialect: dialect ?? base?.dialect ?? 'openai-chat',
      baseUrl: url?.replace(/\/+$/, '') ?? base?.baseUrl ?? '',
      models: ownModels(models, base?.models ?? []),
    });
  }
  return [...merged.values()];
}

/** Null where there is none, or none that is valid: the host, or the next start, says what is wrong in it. */
export function readMeshConfig(home: string): MeshConfig | null {
  const { mesh } = configPaths(home);
  if (!existsSync(mesh)) return null;
  try {
    return MeshConfig.safeParse(parse(readFileSync(mesh, 'utf8')) ?? {}).data ?? null;
  } catch {
    return null;
  }
}
