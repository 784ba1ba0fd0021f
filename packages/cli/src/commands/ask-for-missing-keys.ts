import { readFileSync } from 'node:fs';
import { configPaths } from '@openlegion/contract/installation';
import { parse } from 'yaml';
import { z } from 'zod';
import type { CommandContext } from '../command-context.ts';
import { configuredBaseUrls, credentialBindings } from '../vault-admin/credential-bindings.ts';
import { fetchProviders } from '../vault-admin/provider-list.ts';
import { captureVaultAdmin, runVaultAdmin } from '../vault-admin/run-vault-admin.ts';

const DefaultModel = z.object({ llm: z.object({ default_model: z.string() }) });

/** When the default model's provider takes a key and the vault has none, lets the vault ask for it, or says how. */
export async function askForMissingKeys({ home, terminal }: CommandContext, run: string): Promise<void> {
  const parsed = DefaultModel.safeParse(parse(readFileSync(configPaths(home).mesh, 'utf8')));
  const provider = parsed.success ? parsed.data.llm.default_model.split('/')[0] : undefined;
  const providers = await fetchProviders(run);
  const found = providers.find(({ id }) => id === provider);
  if (!found?.auth) return;
  const { credential } = found.auth;
  const listed = await captureVaultAdmin(['list', '--run', run, '--json']);
  if (listed.code !== 0 || listed.stdout.includes(`"${credential}"`)) return;
  const origins = credentialBindings(providers, configuredBaseUrls(home)).get(credential) ?? [];
  if (!terminal.interactive) {
    terminal.errorLine(`There is no key for ${found.name} yet: ./openlegion vault add ${found.id} < FILE`);
    return;
  }
  terminal.line(`${found.name} needs a key. The vault reads it; it goes nowhere but ${origins.join(', ')}.`);
  const code = await runVaultAdmin([
    'add',
    credential,
    '--run',
    run,
    ...origins.flatMap((origin) => ['--origin', origin]),
  ]);
  if (code !== 0)
    terminal.errorLine(`Without it nothing is answered; later: ./openlegion vault add ${found.id}`);
}
