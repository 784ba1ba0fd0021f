import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { CommandContext } from '../command-context.ts';
import { notRunning } from '../control/control-client.ts';
import { runningSupervisor } from '../supervisor/supervisor-file.ts';
import {
  configuredBaseUrls,
  credentialBindings,
  providerKeyName,
} from '../vault-admin/credential-bindings.ts';
import { fetchProviders } from '../vault-admin/provider-list.ts';
import { runVaultAdmin } from '../vault-admin/run-vault-admin.ts';

const FULL_NAME = /^OPENLEGION_(?:SYSTEM|CRED)_[A-Z0-9_]{1,100}$/;

/** `openai` is the key of that provider; anything else must be a full name. */
export function credentialName(name: string): string {
  if (FULL_NAME.test(name)) return name;
  if (/^[a-z0-9][a-z0-9._-]{0,62}$/.test(name)) return providerKeyName(name);
  throw new OpenLegionError({
    code: 'bad_request',
    rule: 'cli.vault.name',
    message: `${JSON.stringify(name)} is not the name of a credential.`,
    remedy:
      'Give a provider (openai) or a full name: OPENLEGION_SYSTEM_… for a provider, OPENLEGION_CRED_… for a tool.',
  });
}

/**
 * The value is read by the vault's own program, from the terminal or standard input: it is in no argument and
 * never in this process.
 */
export async function vaultAdd(context: CommandContext, name: string, origins: string[]): Promise<number> {
  const { run } = requireRunning(context);
  const credential = credentialName(name);
  const bound = origins.length > 0 ? origins : await originsOf(context.home, run, credential);
  if (bound.length === 0) {
    throw new OpenLegionError({
      code: 'bad_request',
      rule: 'cli.vault.origin',
      message: `It is not known where ${credential} may be sent, and a credential without a place is never released.`,
      remedy: `Name the place: ./openlegion vault add ${name} --origin https://api.example.com`,
    });
  }
  return runVaultAdmin(['add', credential, '--run', run, ...bound.flatMap((origin) => ['--origin', origin])]);
}

export async function vaultList(context: CommandContext, options: { json: boolean }): Promise<number> {
  const { run } = requireRunning(context);
  return runVaultAdmin(['list', '--run', run, ...(options.json ? ['--json'] : [])]);
}

export async function vaultRemove(context: CommandContext, name: string): Promise<number> {
  const { run } = requireRunning(context);
  return runVaultAdmin(['remove', credentialName(name), '--run', run]);
}

export async function originsOf(home: string, run: string, credential: string): Promise<string[]> {
  const bindings = credentialBindings(await fetchProviders(run), configuredBaseUrls(home));
  return bindings.get(credential) ?? [];
}

function requireRunning({ home }: CommandContext): { run: string } {
  const running = runningSupervisor(home);
  if (!running) throw notRunning(home);
  return running;
}
