import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { editPermission } from '@openlegion/contract/edit-permissions';
import { configPaths } from '@openlegion/contract/installation';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { writeConfiguration } from '../configuration/write-configuration.ts';

const MARKER = 'openlegion-demo';

/** What outreach may spend a day in the demo: enough for its work, not for a loop. */
const OUTREACH_BUDGET_USD = 0.1;

/**
 * Makes the demo's own installation, empty unless `keep`. A directory that is not a demo's is never emptied.
 */
export function prepareDemoHome(options: { home: string; keep: boolean; model: string }): void {
  const { home, keep, model } = options;
  const entries = existsSync(home) ? readdirSync(home) : [];
  if (entries.length > 0 && !entries.includes(MARKER)) {
    throw new OpenLegionError({
      code: 'conflict',
      rule: 'cli.demo.home',
      message: `${home} is not empty and not the home of an earlier demo, and the demo begins by emptying its home.`,
      remedy: 'Name an empty or new directory with --home.',
    });
  }
  if (keep && existsSync(configPaths(home).mesh)) {
    requireModel(home, model);
    return;
  }
  for (const entry of entries) rmSync(join(home, entry), { recursive: true, force: true });
  mkdirSync(home, { recursive: true, mode: 0o700 });
  writeFileSync(
    join(home, MARKER),
    'The home of ./openlegion demo. It is emptied at the start of each run.\n',
  );
  writeConfiguration(home, { template: 'sales', model });
  const { agents, permissions } = configPaths(home);
  writeFileSync(agents, limitOutreach(readFileSync(agents, 'utf8')));
  writeFileSync(permissions, grantOutreach(readFileSync(permissions, 'utf8')));
}

/** What is said of the model, and of who pays for it, must be true of the configuration that is kept. */
function requireModel(home: string, model: string): void {
  const kept = /^ *default_model: (\S+)/m.exec(readFileSync(configPaths(home).mesh, 'utf8'))?.[1] ?? '';
  const scripted = (name: string) => name.startsWith('scripted/');
  if (kept === model || (scripted(kept) && scripted(model))) return;
  throw new OpenLegionError({
    code: 'conflict',
    rule: 'cli.demo.kept',
    message: `The last demo ran on ${kept}, not on ${model}.`,
    remedy: 'Name its provider and model with --provider and --model, or leave out --keep to begin anew.',
  });
}

/** The one credential and the one host of the demo: what outreach may use, and where it may not use it. */
export const DEMO_CREDENTIAL = { short: 'crm', host: 'crm.example.com', variable: 'CRM_KEY' } as const;
const DEMO_HOST = 'mail.prospects.example';

function grantOutreach(permissions: string): string {
  const at = permissions.indexOf('"outreach": {');
  const granted = permissions
    .slice(at)
    .replace('"allowed_credentials": []', `"allowed_credentials": ["${DEMO_CREDENTIAL.short}"]`);
  const edited = permissions.slice(0, at) + granted;
  return editPermission(edited, 'outreach', 'allowed_domains', { grant: DEMO_HOST }) ?? edited;
}

function limitOutreach(yaml: string): string {
  const at = yaml.indexOf('\n  outreach:');
  const limited = yaml.slice(at).replace(/daily_usd: [0-9.]+/, `daily_usd: ${OUTREACH_BUDGET_USD}`);
  return yaml.slice(0, at) + limited;
}
