import type { Command } from 'commander';
import type { RunCommand } from '../command-context.ts';
import { MODELS_DEV_URL } from '../models/fetch-models-dev.ts';

/** `openlegion models …` */
export function registerModels(program: Command, run: RunCommand): void {
  const models = program
    .command('models')
    .description('the catalog of model providers: limits, prices, health');
  models
    .command('list', { isDefault: true })
    .description('list providers; with a filter, models with their limits and prices')
    .option('--provider <id>', 'the models of this provider')
    .option('--search <text>', 'models whose name holds this text')
    .option('--available', 'models that can be called now: their provider has a key, or takes none')
    .option('--json', 'as JSON, models always included')
    .action((options) =>
      run(async (context) => {
        const { modelsList } = await import('./models.ts');
        return modelsList(context, {
          ...options,
          available: options.available === true,
          json: options.json === true,
        });
      }),
    );
  models
    .command('show <model>')
    .description('show one model, PROVIDER/MODEL, with all that is known of it')
    .option('--json', 'as JSON')
    .action((name, options) =>
      run(async (context) => {
        const { modelsShow } = await import('./models.ts');
        return modelsShow(context, name, { json: options.json === true });
      }),
    );
  models
    .command('price <model>')
    .description('give PROVIDER/MODEL a price of your own, in US dollars per million tokens')
    .requiredOption('--input <usd>', 'for input, for example 0.40')
    .requiredOption('--output <usd>', 'for output, for example 1.60')
    .option('--cache-read <usd>', 'for input that is read from a cache')
    .option('--cache-write <usd>', 'for input that is written to a cache')
    .option('--context <n>', 'tokens of its context')
    .option('--max-output <n>', 'the most tokens of one answer')
    .action((name, options) =>
      run(async (context) => {
        const { modelsPrice } = await import('./models-price.ts');
        return modelsPrice(context, name, options);
      }),
    );
  models
    .command('refresh')
    .description(
      'compare prices with models.dev, show what differs, and write what you agree to into mesh.yaml',
    )
    .option(
      '--provider <id...>',
      'all models of these providers instead of those that the configuration names',
    )
    .option('--from <url>', 'a copy of the list', MODELS_DEV_URL)
    .option('--yes', 'agree to what is shown')
    .action((options) =>
      run(async (context) => {
        const { modelsRefresh } = await import('./models-refresh.ts');
        return modelsRefresh(context, { ...options, yes: options.yes === true }, fetch);
      }),
    );
}
