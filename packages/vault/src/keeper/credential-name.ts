import { type Parser, text } from '../process/strict-parser.ts';

export type CredentialTier = 'system' | 'cred';

/** `OPENLEGION_SYSTEM_*` is never reachable by an agent under any grant; `OPENLEGION_CRED_*` is for tools. */
export const credentialName: Parser<string> = text(
  120,
  /^OPENLEGION_(?:SYSTEM|CRED)_[A-Z0-9_]{1,100}$/,
  'a name that starts with OPENLEGION_SYSTEM_ or OPENLEGION_CRED_, then capitals, digits and underscores',
);

/** The tier of a name that `credentialName` let through. */
export function tierOf(name: string): CredentialTier {
  return name.startsWith('OPENLEGION_SYSTEM_') ? 'system' : 'cred';
}
