import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configPaths } from '@openlegion/contract/installation';
import { TEMPLATES } from '../programs.ts';
import type { TemplateName } from './providers.ts';

export interface FirstRunChoice {
  template: TemplateName;
  /** `provider/model`. */
  model: string;
  /** An OpenAI-compatible server of the operator's own, with its prices. */
  custom?: { baseUrl: string; needsKey: boolean; inputUsdPerMillion: number; outputUsdPerMillion: number };
}

/**
 * Writes `config/` from a template. With a real model the agents' scripted models (lines marked `# scripted`) go and
 * all of them use `llm.default_model`; the scripts stay, so that the fleet can be tried without cost at any time.
 * Never overwrites: a file that exists is an error (EEXIST).
 */
export function writeConfiguration(home: string, choice: FirstRunChoice): void {
  const paths = configPaths(home);
  const from = join(TEMPLATES, choice.template);
  const scripted = choice.model.startsWith('scripted/');
  mkdirSync(paths.directory, { recursive: true, mode: 0o700 });
  const write = (path: string, text: string) => writeFileSync(path, text, { flag: 'wx', mode: 0o600 });

  let mesh = readFileSync(join(from, 'mesh.yaml'), 'utf8');
  let agents = readFileSync(join(from, 'agents.yaml'), 'utf8');
  if (!scripted) {
    mesh = mesh.replace(/^( *default_model: ).*$/m, `$1${choice.model}`);
    agents = agents.replace(/^.*# scripted$\n/gm, '');
  }
  if (choice.custom)
    mesh = mesh.replace(/^( *)# providers:.*$/m, (_, indent: string) => customProvider(indent, choice));
  write(paths.mesh, mesh);
  write(paths.agents, agents);
  write(paths.permissions, readFileSync(join(from, 'permissions.json'), 'utf8'));
  for (const part of ['scripts', 'workflows', 'PROJECT.md'])
    if (existsSync(join(from, part)))
      cpSync(join(from, part), join(paths.directory, part), {
        recursive: true,
        errorOnExist: true,
        force: false,
      });
}

function customProvider(indent: string, { model, custom }: FirstRunChoice): string {
  if (!custom) return '';
  const slash = model.indexOf('/');
  return [
    'providers:',
    `  ${model.slice(0, slash)}:`,
    `    base_url: ${JSON.stringify(custom.baseUrl)}`,
    '    dialect: openai-chat',
    `    key: ${custom.needsKey ? 'bearer' : 'none'}`,
    '    models:',
    `      ${JSON.stringify(model.slice(slash + 1))}:`,
    `        input_usd_per_million: ${custom.inputUsdPerMillion}`,
    `        output_usd_per_million: ${custom.outputUsdPerMillion}`,
  ]
    .map((line) => indent + line)
    .join('\n');
}
