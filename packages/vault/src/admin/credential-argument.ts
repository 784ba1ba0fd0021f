import { VaultError } from '../process/vault-error.ts';

/**
 * `github` stands for `OPENLEGION_CRED_GITHUB`; a full name for itself. Throws `bad_request`, without repeating what
 * was typed: it may be a value given by mistake.
 */
export function credentialArgument(typed: string): string {
  if (/^OPENLEGION_(?:SYSTEM|CRED)_[A-Z0-9_]{1,100}$/.test(typed)) return typed;
  if (/^[a-z][a-z0-9_-]{0,60}$/.test(typed))
    return `OPENLEGION_CRED_${typed.toUpperCase().replaceAll('-', '_')}`;
  throw new VaultError({
    code: 'bad_request',
    rule: 'vault.name',
    message: 'That is not the name of a credential.',
    remedy:
      'A name is short, as agents use it (github), or whole: OPENLEGION_SYSTEM_… for a provider, OPENLEGION_CRED_… for a tool.',
  });
}
