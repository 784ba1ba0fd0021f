import type { Refusal } from '@openlegion/contract/refusal';
import type { KeeperClient } from '../process/keeper-client.ts';
import { type EnvCredential, readEnvCredentials, removeFromEnvFile } from './env-file.ts';

export interface ImportOptions {
  keeper: KeeperClient<'admin'>;
  environment: Readonly<Record<string, string | undefined>>;
  envFile: string;
  /** Origins by name; a name without any is bound to nothing, which the keeper refuses for a model provider's key. */
  bindings: ReadonlyMap<string, readonly string[]>;
}

export interface ImportResult {
  imported: string[];
  left: { name: string; refusal: Refusal }[];
}

/**
 * Moves credentials from the environment and a `.env` file into the keeper. As with every `.env`, the environment
 * wins where both have a name. A line leaves the file only after the keeper has sealed its value.
 */
export async function importEnvironment(options: ImportOptions): Promise<ImportResult> {
  const { keeper, environment, envFile, bindings } = options;
  const fromEnvironment = Object.entries(environment).flatMap(([name, value]): EnvCredential[] =>
    /^OPENLEGION_(?:SYSTEM|CRED)_/.test(name) && value ? [{ name, value }] : [],
  );
  const values = new Map(
    [...readEnvCredentials(envFile), ...fromEnvironment].map(({ name, value }) => [name, value]),
  );
  const result: ImportResult = { imported: [], left: [] };
  for (const [name, value] of values) {
    const stored = await keeper.call('put', {
      name,
      value,
      origins: [...(bindings.get(name) ?? [])],
      bindings: [],
      environment: [],
    });
    if (stored.ok) {
      removeFromEnvFile(envFile, name);
      result.imported.push(name);
    } else {
      result.left.push({ name, refusal: stored.refusal });
    }
  }
  return result;
}
