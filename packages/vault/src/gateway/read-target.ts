import { refuse } from './refuse.ts';

export interface CallTarget {
  provider: string;
  /** Below the provider, without a leading slash. */
  path: string;
  query: string;
}

const PLAIN =
  /^\/llm\/([a-z0-9][a-z0-9._-]{0,62})\/([A-Za-z0-9._:/-]{1,300})(?:\?([A-Za-z0-9=&._-]{0,200}))?$/;

/**
 * `/llm/{provider}/…` in plain letters. Whatever two parsers could read in two ways is refused, not normalised:
 * percent signs, empty and dot segments, backslashes, the absolute form, a fragment.
 */
export function readTarget(url: string): CallTarget {
  const [, provider, path, query = ''] = PLAIN.exec(url) ?? [];
  const segments = path?.split('/') ?? [];
  if (provider === undefined || path === undefined || segments.some((part) => /^\.*$/.test(part)))
    throw refuse(
      'bad_request',
      'llm.path',
      'The path of a model call is /llm/, a provider and the path of a listed method, in plain letters.',
      'Use the path as the provider documents it; keys do not belong in it.',
    );
  return { provider, path, query };
}
