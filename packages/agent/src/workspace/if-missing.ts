import { OpenLegionError } from '@openlegion/contract/open-legion-error';

/** For `catch`: undefined where a file of the workspace does not exist; anything else is thrown on. */
export function ifMissing(error: unknown): undefined {
  if (error instanceof OpenLegionError && error.refusal.code === 'not_found') return undefined;
  throw error;
}
