import { autocomplete, cancel, intro, isCancel, note, outro, select, text } from '@clack/prompts';
import { ModelName } from '@openlegion/contract/model-name';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { readCatalogFile } from '../models/catalog-file.ts';
import { OFFERED_PROVIDERS, TEMPLATE_HINTS, TEMPLATE_NAMES } from './providers.ts';
import type { FirstRunChoice } from './write-configuration.ts';

/** Asks what the flags did not say. The key is asked for later, by the vault itself. */
export async function askFirstRun(
  given: Partial<FirstRunChoice> & { provider?: string },
): Promise<FirstRunChoice> {
  intro('OpenLegion: first run');
  const template =
    given.template ??
    answer(
      await select({
        message: 'What should the fleet be?',
        options: TEMPLATE_NAMES.map((name) => ({ value: name, label: name, hint: TEMPLATE_HINTS[name] })),
      }),
    );
  const provider =
    given.provider ??
    (given.model
      ? given.model.split('/')[0]
      : answer(
          await select({
            message: 'Which model provider?',
            options: [
              ...OFFERED_PROVIDERS.map(({ id, label }) => ({ value: id as string, label })),
              { value: 'more', label: 'Another one of the catalog' },
              {
                value: 'own',
                label: 'A server of your own that speaks the OpenAI API (Ollama, vLLM, a proxy …)',
              },
            ],
          }),
        ));
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
      : answer(
          await text({
            message: 'Which model?',
            initialValue: suggested,
            validate: (value) =>
              ModelName.safeParse(value).success
                ? undefined
                : 'provider/model, for example openai/gpt-4.1-mini',
          }),
        ));
  if (provider !== 'scripted') note('The vault asks for the key itself, once it runs.', 'Key');
  outro('Writing the configuration');
  return { template, model };
}

/** Those whose address is known and whose models have prices: the others take a line in mesh.yaml. */
async function askCatalog(): Promise<string> {
  const providers = readCatalogFile()
    .map((provider) => ({
      ...provider,
      models: provider.models.filter(
        ({ id, capabilities }) => id !== '*' && !capabilities?.includes('embedding'),
      ),
    }))
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
  const baseUrl = answer(
    await text({
      message: 'Its base URL, with the version segment if it has one',
      placeholder: 'http://127.0.0.1:11434/v1',
      validate: (value) =>
        URL.canParse(value ?? '') && /^https?:/.test(value ?? '') ? undefined : 'An http or https URL',
    }),
  ).replace(/\/+$/, '');
  const model = answer(
    await text({
      message: 'The name of the model there',
      validate: (value) =>
        ModelName.safeParse(`own/${value}`).success ? undefined : 'Letters, digits and . _ : / + - @',
    }),
  );
  const price = async (direction: string) =>
    Number(
      answer(
        await text({
          message: `US dollars per million ${direction} tokens (0 for a machine of your own)`,
          initialValue: '0',
          validate: (value) =>
            /^\d{1,5}(\.\d{1,6})?$/.test(value ?? '') ? undefined : 'A number such as 0.40',
        }),
      ),
    );
  const needsKey = answer(
    await select({
      message: 'Does it take a key?',
      options: [
        { value: false, label: 'no' },
        { value: true, label: 'yes' },
      ],
    }),
  );
  const custom = {
    baseUrl,
    needsKey,
    inputUsdPerMillion: await price('input'),
    outputUsdPerMillion: await price('output'),
  };
  return { template, model: `own/${model}`, custom };
}

/** Ctrl-C in a question ends the command; nothing was written yet. */
function answer<T>(value: T): Exclude<T, symbol> {
  if (!isCancel(value)) return value as Exclude<T, symbol>;
  cancel('Nothing was written.');
  throw new OpenLegionError({ code: 'conflict', rule: 'cli.cancelled', message: 'Cancelled.', remedy: '' });
}
