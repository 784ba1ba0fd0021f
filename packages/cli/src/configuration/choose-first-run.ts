import { ModelName } from '@openlegion/contract/model-name';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { readCatalogFile } from '../models/catalog-file.ts';
import { OFFERED_PROVIDERS, TEMPLATE_NAMES, type TemplateName } from './providers.ts';
import type { FirstRunChoice } from './write-configuration.ts';

/** What the first questions offer besides those of the catalog. */
const ASKED: ReadonlySet<string> = new Set([...OFFERED_PROVIDERS.map(({ id }) => id), 'more', 'own']);

export interface FirstRunFlags {
  template?: string | undefined;
  provider?: string | undefined;
  model?: string | undefined;
  yes?: boolean | undefined;
}

export interface FirstRunGiven {
  template: TemplateName | undefined;
  provider: string | undefined;
  model: string | undefined;
}

export type FirstRunDecision =
  | { complete: true; choice: FirstRunChoice }
  | { complete: false; given: FirstRunGiven; missing: string[] };

/** What the flags of the first `start` say, and which are missing. Throws `bad_request` for a value there is not. */
export function chooseFirstRun(flags: FirstRunFlags): FirstRunDecision {
  const template = TEMPLATE_NAMES.find((name) => name === flags.template);
  if (flags.template && !template) {
    throw wrong(
      `There is no template ${JSON.stringify(flags.template)}.`,
      `There are: ${TEMPLATE_NAMES.join(', ')}.`,
    );
  }
  const model = modelOf(flags);
  const provider = model?.slice(0, model.indexOf('/')) ?? flags.provider;
  if (provider && !ASKED.has(provider) && !readCatalogFile().some(({ id }) => id === provider)) {
    throw wrong(
      `There is no model provider ${JSON.stringify(provider)}.`,
      'See ./openlegion models list. A server of your own is asked for in a terminal, or goes into llm.providers of config/mesh.yaml.',
    );
  }
  if (template && model) return { complete: true, choice: { template, model } };
  if (flags.yes && model) return { complete: true, choice: { template: 'starter', model } };
  const missing = [
    ...(template || flags.yes ? [] : ['--template']),
    ...(model ? [] : [flags.provider ? '--model' : '--provider']),
  ];
  return { complete: false, given: { template, provider: flags.provider || undefined, model }, missing };
}

function modelOf({ provider, model }: FirstRunFlags): string | undefined {
  const offered = OFFERED_PROVIDERS.find(({ id }) => id === provider);
  if (!model) return offered?.model;
  const full = provider && !model.startsWith(`${provider}/`) ? `${provider}/${model}` : model;
  if (ModelName.safeParse(full).success) return full;
  throw wrong(
    `${JSON.stringify(full)} is not the name of a model.`,
    'Names are provider/model, for example openai/gpt-4.1-mini.',
  );
}

function wrong(message: string, remedy: string): OpenLegionError {
  return new OpenLegionError({ code: 'bad_request', rule: 'cli.first_run', message, remedy });
}
