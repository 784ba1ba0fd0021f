import {
  autocomplete,
  cancel,
  intro,
  isCancel,
  note,
  type Option,
  outro,
  select,
  text,
} from '@clack/prompts';
import type { CatalogModel } from '@openlegion/contract/catalog';
import { ModelName } from '@openlegion/contract/model-name';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { readCatalogFile } from '../models/catalog-file.ts';
import type { FirstRunGiven } from './choose-first-run.ts';
import { OFFERED_PROVIDERS, TEMPLATE_HINTS, TEMPLATE_NAMES } from './providers.ts';
import type { FirstRunChoice } from './write-configuration.ts';

const PROVIDERS: Option<string>[] = [
  ...OFFERED_PROVIDERS.map(({ id, label }) => ({ value: id, label })),
  { value: 'more', label: 'Another one of the catalog' },
  { value: 'own', label: 'A server of your own that speaks the OpenAI API (Ollama, vLLM, a proxy …)' },
];

/** Asks what the flags did not say. The key is asked for later, by the vault itself. */
export async function askFirstRun(given: FirstRunGiven): Promise<FirstRunChoice> {
  intro('OpenLegion: first run');
  const templates = TEMPLATE_NAMES.map((name) => ({ value: name, label: name, hint: TEMPLATE_HINTS[name] }));
  const template = given.template ?? (await choose('What should the fleet be?', templates));
  const provider =
    given.provider ?? given.model?.split('/')[0] ?? (await choose('Which model provider?', PROVIDERS));
  if (provider === 'own') {
    const choice = await askOwnServer(template);
    outro('Writing the configuration');
    return choice;
  }
  if (provider === 'more') {
    const model = given.model ?? (await askCatalog());
    note('The vault asks for the key itself, once it runs.', 'Key');
    outro('Writing the configuration');
    return { template, model };
  }
  const suggested = OFFERED_PROVIDERS.find(({ id }) => id === provider)?.model ?? `${provider}/`;
  const model =
    given.model ??
    (provider === 'scripted'
      ? suggested
      : await ask({
          message: 'Which model?',
          initialValue: suggested,
          fits: (value) => ModelName.safeParse(value).success,
          otherwise: 'provider/model, for example openai/gpt-4.1-mini',
        }));
  if (provider !== 'scripted') note('The vault asks for the key itself, once it runs.', 'Key');
  outro('Writing the configuration');
  return { template, model };
}

/** Those whose address is known and whose models have prices: the others take a line in mesh.yaml. */
async function askCatalog(): Promise<string> {
  const providers = readCatalogFile()
    .map(({ models, ...provider }) => ({ ...provider, models: models.filter(isChatModel) }))
    .filter(({ configured, models }) => !configured && models.length > 0);
  const id = answer(
    await autocomplete({
      message: `Which of ${providers.length} providers? Type to search`,
      options: providers.map((provider) => ({ value: provider.id, label: provider.name, hint: provider.id })),
      maxItems: 10,
    }),
  );
  const models = providers.find((provider) => provider.id === id)?.models ?? [];
  return answer(
    await autocomplete({
      message: 'Which model?',
      options: models.map((model) => ({ value: `${id}/${model.id}`, label: model.id })),
      maxItems: 10,
    }),
  );
}

async function askOwnServer(template: FirstRunChoice['template']): Promise<FirstRunChoice> {
  const baseUrl = await ask({
    message: 'Its base URL, with the version segment if it has one',
    placeholder: 'http://127.0.0.1:11434/v1',
    fits: (value) => URL.canParse(value) && /^https?:/.test(value),
    otherwise: 'An http or https URL',
  });
  const model = await ask({
    message: 'The name of the model there',
    fits: (value) => ModelName.safeParse(`own/${value}`).success,
    otherwise: 'Letters, digits and . _ : / + - @',
  });
  const price = (direction: string) =>
    ask({
      message: `US dollars per million ${direction} tokens (0 for a machine of your own)`,
      initialValue: '0',
      fits: (value) => /^\d{1,5}(\.\d{1,6})?$/.test(value),
      otherwise: 'A number such as 0.40',
    }).then(Number);
  const needsKey = await choose('Does it take a key?', [
    { value: false, label: 'no' },
    { value: true, label: 'yes' },
  ]);
  const custom = {
    baseUrl: baseUrl.replace(/\/+$/, ''),
    needsKey,
    inputUsdPerMillion: await price('input'),
    outputUsdPerMillion: await price('output'),
  };
  return { template, model: `own/${model}`, custom };
}

function isChatModel({ id, capabilities }: CatalogModel): boolean {
  return id !== '*' && !capabilities?.includes('embedding');
}

async function choose<T extends string | boolean>(message: string, options: Option<T>[]): Promise<T> {
  return answer(await select<T>({ message, options }));
}

async function ask(question: {
  message: string;
  placeholder?: string;
  initialValue?: string;
  fits: (value: string) => boolean;
  /** Shown where the answer does not fit. */
  otherwise: string;
}): Promise<string> {
  const { fits, otherwise, ...shown } = question;
  return answer(await text({ ...shown, validate: (value = '') => (fits(value) ? undefined : otherwise) }));
}

/** Ctrl-C in a question ends the command; nothing was written yet. */
function answer<T>(value: T): Exclude<T, symbol> {
  if (!isCancel(value)) return value as Exclude<T, symbol>;
  cancel('Nothing was written.');
  throw new OpenLegionError({ code: 'conflict', rule: 'cli.cancelled', message: 'Cancelled.', remedy: '' });
}
