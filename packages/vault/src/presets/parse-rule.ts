import type { RequestRule } from '@openlegion/contract/keeper-protocol';
import { VaultError } from '../process/vault-error.ts';

const METHODS = /^(?:\*|[A-Z][A-Z-]{0,29}(?:,[A-Z][A-Z-]{0,29})*)$/;

/**
 * `GET,HEAD /repos/**`: methods (or `*`), a space, and a glob over the path: `*` within a segment, `**` across, and
 * with a `?` in it over path and query. Throws `bad_request`.
 */
export function parseRule(rule: string): RequestRule {
  const [methods = '', path = '', ...rest] = rule.trim().split(/ +/);
  if (!METHODS.test(methods) || !/^\/[\x21-\x7e]{0,499}$/.test(path) || rest.length > 0) {
    throw new VaultError({
      code: 'bad_request',
      rule: 'vault.rule',
      message: 'A rule is methods, a space and a path.',
      remedy: "For example --allow 'GET,HEAD /repos/**' or --allow 'POST /repos/acme/site/issues'.",
    });
  }
  return { methods: methods.split(','), path };
}

export function formatRule({ methods, path }: RequestRule): string {
  return `${methods.join(',')} ${path}`;
}
