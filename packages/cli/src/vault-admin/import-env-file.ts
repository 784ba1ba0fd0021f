import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { StartedPart } from './after-part-ready.ts';
import { configuredBaseUrls, credentialBindings } from './credential-bindings.ts';
import { fetchProviders } from './provider-list.ts';
import { captureVaultAdmin } from './run-vault-admin.ts';

/** Has the vault's administration program move the keys of `HOME/.env` into the keeper. Nothing is read here. */
export async function importEnvFile({ home, run, log }: StartedPart): Promise<void> {
  const file = join(home, '.env');
  if (!existsSync(file)) return;
  const bindings = credentialBindings(await fetchProviders(run), configuredBaseUrls(home));
  const { code, stdout, stderr } = await captureVaultAdmin([
    ...['import-env', '--run', run, '--env-file', file],
    ...['--bindings-json', JSON.stringify(Object.fromEntries(bindings))],
  ]);
  for (const line of `${stdout}\n${stderr}`.split('\n')) if (line.trim()) log(`.env: ${line.trim()}`);
  // 3: what was left was said, each with its reason.
  if (code !== 0 && code !== 3) log(`.env could not be moved into the vault (code ${code})`);
}
