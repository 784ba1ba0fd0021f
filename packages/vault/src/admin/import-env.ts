import type { Refusal } from '@openlegion/contract/refusal';
import { type PresetFile, presetBindings } from '../presets/preset.ts';
import { shortName, tierOf } from '../process/credential-name.ts';
import type { KeeperClient } from '../process/keeper-client.ts';
import type { CredentialPlace } from './credential-place.ts';
import { type EnvCredential, readEnvCredentials, removeFromEnvFile } from './env-file.ts';

export interface ImportOptions {
  keeper: KeeperClient<'admin'>;
  environment: Readonly<Record<string, string | undefined>>;
  envFile: string;
  /** Origins of providers' keys by name; one without any the keeper refuses. */
  bindings: ReadonlyMap<string, readonly string[]>;
  presets: PresetFile;
}

export interface ImportResult {
  /** `preset` is what its name was recognised as; null for a tool's credential that goes nowhere yet. */
  imported: { name: string; preset: string | null; bound: boolean }[];
  left: { name: string; refusal: Refusal }[];
}

/**
 * Moves credentials from the environment and a `.env` file into the keeper. As with every `.env`, the environment
 * wins where both have a name. A line leaves the file only after the keeper has sealed its value.
 */
export async function importEnvironment(options: ImportOptions): Promise<ImportResult> {
  const { keeper, environment, envFile, bindings, presets } = options;
  const fromEnvironment = Object.entries(environment).flatMap(([name, value]): EnvCredential[] =>
    /^OPENLEGION_(?:SYSTEM|CRED)_/.test(name) && value ? [{ name, value }] : [],
  );
  const values = new Map(
    [...readEnvCredentials(envFile), ...fromEnvironment].map(({ name, value }) => [name, value]),
  );
  const result: ImportResult = { imported: [], left: [] };
  for (const [name, value] of values) {
    const known = tierOf(name) === 'cred' ? recognisePreset(name, presets) : null;
    const origins = [...(bindings.get(name) ?? [])];
    const stored = await keeper.call('put', {
      name,
      value,
      origins,
      bindings: known?.place.bindings ?? [],
      environment: known?.place.environment ?? [],
    });
    if (stored.ok) {
      removeFromEnvFile(envFile, name);
      const bound = known !== null || origins.length > 0;
      result.imported.push({ name, preset: known?.preset ?? null, bound });
    } else {
      result.left.push({ name, refusal: stored.refusal });
    }
  }
  return result;
}

/**
 * The preset that a name stands for (`OPENLEGION_CRED_BRAVE_SEARCH_API_KEY`, `…_GITHUB_TOKEN`, `…_GITHUB`), when
 * there is one that says by itself where the credential may go and for what.
 */
export function recognisePreset(
  name: string,
  { presets }: PresetFile,
): { preset: string; place: Omit<CredentialPlace, 'note'> } | null {
  const short = shortName(name);
  const preset = presets.find(({ name: service, environment }) => {
    const base = service.replaceAll('-', '_');
    const spellings = [base, `${base}_token`, `${base}_api_key`, `${base}_key`];
    return spellings.includes(short) || environment.some((variable) => variable.toLowerCase() === short);
  });
  if (!preset) return null;
  const bindings = presetBindings(preset, [], []);
  if (!bindings.some(({ allow }) => allow.length > 0)) return null;
  return { preset: preset.name, place: { origins: [], bindings, environment: preset.environment } };
}
