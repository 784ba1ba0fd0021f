import { configPaths } from '@openlegion/contract/installation';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { CommandContext } from '../command-context.ts';
import { changeConfiguration } from '../configuration/change-configuration.ts';
import { type BudgetChange, budgetOwner, editBudget } from '../configuration/edit-budget.ts';

export interface BudgetSetOptions {
  daily?: string;
  monthly?: string;
  requestsPerMinute?: string;
  tokensPerMinute?: string;
}

/** Sets limits in `config/agents.yaml` or `config/mesh.yaml`. */
export async function budgetSet(
  context: CommandContext,
  who: string,
  options: BudgetSetOptions,
): Promise<number> {
  const owner = budgetOwner(who);
  const change: BudgetChange = {
    ...amount('daily_usd', options.daily, /^\d{1,6}(?:\.\d{1,6})?$/, 'US dollars, for example 2.50'),
    ...amount('monthly_usd', options.monthly, /^\d{1,6}(?:\.\d{1,6})?$/, 'US dollars, for example 50'),
    ...amount('requests_per_minute', options.requestsPerMinute, /^[1-9]\d{0,5}$/, 'a whole number'),
    ...amount('tokens_per_minute', options.tokensPerMinute, /^[1-9]\d{0,9}$/, 'a whole number'),
  };
  if (Object.keys(change).length === 0)
    throw wrong('No limit was given.', 'For example: ./openlegion budget set researcher --daily 2.50');
  if (owner.file === 'mesh' && (options.requestsPerMinute || options.tokensPerMinute))
    throw wrong(
      'Limits per minute are for agents.',
      'Set them for each agent: ./openlegion budget set NAME …',
    );
  const done = await changeConfiguration(context, configPaths(context.home)[owner.file], (text) =>
    editBudget(text, owner, change),
  );
  if (done === 'unchanged') context.terminal.line(`These are the limits of ${owner.shown} already.`);
  return 0;
}

function amount(
  key: keyof BudgetChange,
  typed: string | undefined,
  form: RegExp,
  expected: string,
): BudgetChange {
  if (typed === undefined) return {};
  if (!form.test(typed)) throw wrong(`${JSON.stringify(typed)} is not ${expected}.`, 'Nothing was changed.');
  return { [key]: Number(typed) };
}

function wrong(message: string, remedy: string): OpenLegionError {
  return new OpenLegionError({ code: 'bad_request', rule: 'cli.budget', message, remedy });
}
