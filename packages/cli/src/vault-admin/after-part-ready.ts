import type { PartName } from '@openlegion/contract/process-protocol';
import { importEnvFile } from './import-env-file.ts';
import { pinAuditKey } from './pin-audit-key.ts';

export interface StartedPart {
  home: string;
  run: string;
  log: (line: string) => void;
}

/** What is due between the starts of the parts: the audit key is kept, and `.env` is emptied into the vault. */
export async function afterPartReady(options: StartedPart & { part: PartName }): Promise<void> {
  if (options.part === 'keeper') await pinAuditKey(options);
  if (options.part === 'gateway') await importEnvFile(options);
}
