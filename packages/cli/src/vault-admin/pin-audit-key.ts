import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dataPaths } from '@openlegion/contract/installation';
import { z } from 'zod';
import type { StartedPart } from './after-part-ready.ts';
import { captureVaultAdmin } from './run-vault-admin.ts';

const Checkpoints = z.object({ publicKeyPem: z.string() });

/**
 * Keeps the keeper's public key beside the data at the first start, so that a stopped installation's audit log can
 * be checked. Another key at a later start is not taken over: it means that the vault, or this file, was replaced.
 */
export async function pinAuditKey({ home, run, log }: StartedPart): Promise<void> {
  const { code, stdout } = await captureVaultAdmin(['checkpoints', '--run', run, '--json']);
  const parsed = code === 0 ? Checkpoints.safeParse(JSON.parse(stdout)) : null;
  if (!parsed?.success) return log('the public key of the audit log could not be read from the keeper');
  const path = dataPaths(home).auditPublicKey;
  if (!existsSync(path)) writeFileSync(path, parsed.data.publicKeyPem, { mode: 0o644, flag: 'wx' });
  else if (readFileSync(path, 'utf8') !== parsed.data.publicKeyPem) {
    log(`the keeper signs with another key than ${path} says: the vault or that file was replaced`);
  }
}
