import type { CatalogProvider } from '@openlegion/contract/catalog';
import { findModel } from '@openlegion/contract/find-model';
import { type MeshConfig, OwnModelConfig } from '@openlegion/contract/mesh-config';
import { splitModelName } from '@openlegion/contract/model-name';
import { ownModels } from '@openlegion/contract/own-models';
import type { OwnModelChange, OwnModelEntry } from './edit-own-models.ts';
import { formatTiers } from './format-price.ts';
import { type ModelsDev, theirProviderId } from './models-dev.ts';

export interface RefreshChange extends OwnModelChange {
  /** `- openai/x: 0.40 in, 1.60 out` and `+ …`. */
  lines: string[];
}

/** Every model that the configuration names. */
export function modelsNamed(mesh: MeshConfig, agentModels: readonly (string | undefined)[]): string[] {
  const { default_model, failover } = mesh.llm;
  const named = [default_model, ...agentModels, ...Object.keys(failover), ...Object.values(failover).flat()];
  return [...new Set(named.filter((name) => name !== undefined))];
}

/**
 * What would have to change for these models to have the prices of `source`, and which of them are not there. A model
 * that is known keeps its limits; one that is not gets those of the source. Local servers have no list price.
 */
export function refreshChanges(
  names: readonly string[],
  known: readonly CatalogProvider[],
  source: ModelsDev,
): { changes: RefreshChange[]; missing: string[] } {
  const changes: RefreshChange[] = [];
  const missing: string[] = [];
  for (const name of names) {
    const { provider, model } = splitModelName(name);
    const entry = known.find(({ id }) => id === provider);
    if (entry?.models.some(({ id }) => id === '*')) continue;
    const theirs = source.get(theirProviderId(provider))?.get(model);
    const parsed = OwnModelConfig.safeParse(theirs);
    if (!entry || !theirs || !parsed.success) {
      missing.push(name);
      continue;
    }
    const lookup = findModel(name, known);
    const before = lookup.ok ? lookup.found.model : entry.models.find(({ id }) => id === model);
    const limits = before && {
      context_tokens: before.contextTokens,
      max_output_tokens: before.maxOutputTokens,
    };
    const [after] = ownModels({ [model]: parsed.data }, []);
    if (!after) continue;
    const was = before ? formatTiers(before.price) : ['no price is known'];
    const becomes = formatTiers(after.price);
    if (was.join('\n') === becomes.join('\n')) continue;
    changes.push({
      provider,
      model,
      entry: { ...theirs, ...limits, ...clearedIn(theirs) },
      lines: [`- ${name}: ${was.join('; ')}`, `+ ${name}: ${becomes.join('; ')}`],
    });
  }
  return { changes, missing };
}

/** A price that the new list does not have must not stay from the old one. */
function clearedIn(theirs: OwnModelEntry): { [key in (typeof FURTHER)[number]]?: undefined } {
  return Object.fromEntries(
    FURTHER.filter((key) => theirs[key] === undefined).map((key) => [key, undefined]),
  );
}

const FURTHER = [
  'cache_read_usd_per_million',
  'cache_write_usd_per_million',
  'audio_input_usd_per_million',
  'audio_output_usd_per_million',
  'tiers',
] as const;
