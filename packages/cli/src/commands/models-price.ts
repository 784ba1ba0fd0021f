import { findModel } from '@openlegion/contract/find-model';
import { configPaths } from '@openlegion/contract/installation';
import { ModelName, splitModelName } from '@openlegion/contract/model-name';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { CommandContext } from '../command-context.ts';
import { changeConfiguration } from '../configuration/change-configuration.ts';
import { editOwnModels, type OwnModelEntry } from '../models/edit-own-models.ts';
import { providersOnDisk, readMeshConfig } from '../models/known-models.ts';

export interface ModelsPriceOptions {
  input: string;
  output: string;
  cacheRead?: string;
  cacheWrite?: string;
  context?: string;
  maxOutput?: string;
}

/** Writes a model with the operator's own price into config/mesh.yaml; limits that are not given stay as known. */
export async function modelsPrice(
  context: CommandContext,
  name: string,
  options: ModelsPriceOptions,
): Promise<number> {
  const { home, terminal } = context;
  if (!ModelName.safeParse(name).success)
    throw wrong(
      `${JSON.stringify(name.slice(0, 200))} is not the name of a model.`,
      'Names are provider/model, for example openai/gpt-4.1-mini.',
    );
  const { provider, model } = splitModelName(name);
  const known = providersOnDisk(home);
  const entry = known.find(({ id }) => id === provider);
  if (!entry)
    throw wrong(
      `There is no model provider ${JSON.stringify(provider)}.`,
      `Add its address first, as llm.providers.${provider}.base_url in config/mesh.yaml, then give the price again.`,
    );
  const lookup = findModel(name, [{ ...entry, baseUrl: entry.baseUrl || 'unset:' }]);
  // What mesh.yaml says already stays there by itself; `*` says nothing of this one.
  const limits = lookup.ok && lookup.found.model.id !== '*' && !isOwn(home, name) ? lookup.found.model : null;
  const contextTokens = tokens('--context', options.context) ?? limits?.contextTokens;
  const maxOutputTokens = tokens('--max-output', options.maxOutput) ?? limits?.maxOutputTokens;
  const cacheRead = usd('--cache-read', options.cacheRead);
  const cacheWrite = usd('--cache-write', options.cacheWrite);
  const own: OwnModelEntry = {
    ...(contextTokens === undefined ? {} : { context_tokens: contextTokens }),
    ...(maxOutputTokens === undefined ? {} : { max_output_tokens: maxOutputTokens }),
    input_usd_per_million: usd('--input', options.input) ?? 0,
    output_usd_per_million: usd('--output', options.output) ?? 0,
    ...(cacheRead === undefined ? {} : { cache_read_usd_per_million: cacheRead }),
    ...(cacheWrite === undefined ? {} : { cache_write_usd_per_million: cacheWrite }),
  };
  const done = await changeConfiguration(context, configPaths(home).mesh, (text) =>
    editOwnModels(text, [{ provider, model, entry: own }]),
  );
  if (done === 'unchanged') terminal.line(`This is the price of ${name} already.`);
  if (entry.baseUrl === '')
    terminal.line(
      `${entry.name} needs its address too: llm.providers.${provider}.base_url in config/mesh.yaml.`,
    );
  return 0;
}

function isOwn(home: string, name: string): boolean {
  const { provider, model } = splitModelName(name);
  const own = Object.keys(readMeshConfig(home)?.llm.providers[provider]?.models ?? {});
  return own.some((id) => id.toLowerCase() === model.toLowerCase());
}

function usd(option: string, typed: string | undefined): number | undefined {
  if (typed === undefined) return undefined;
  if (!/^\d{1,4}(?:\.\d{1,6})?$/.test(typed) || Number(typed) > 1000)
    throw wrong(
      `${option} ${JSON.stringify(typed.slice(0, 40))} is not a price.`,
      'Give US dollars per million tokens, 0 to 1000, for example 0.40.',
    );
  return Number(typed);
}

function tokens(option: string, typed: string | undefined): number | undefined {
  if (typed === undefined) return undefined;
  if (!/^[1-9]\d{0,7}$/.test(typed))
    throw wrong(
      `${option} ${JSON.stringify(typed.slice(0, 40))} is not a number of tokens.`,
      'For example 128000.',
    );
  return Number(typed);
}

function wrong(message: string, remedy: string): OpenLegionError {
  return new OpenLegionError({ code: 'bad_request', rule: 'cli.models.price', message, remedy });
}
