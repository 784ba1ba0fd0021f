/**
 * Whether a pattern of permissions.json covers a key. `*` is any run of characters within one `/` segment, also
 * none; `**` any run, slashes included; everything else is itself, case and all. A key with an empty, `.` or `..`
 * segment, a control character, or over 512 characters is covered by nothing. Both are compared in Unicode's NFC.
 * Linear in the length of both, whatever the pattern.
 */
export function matchesPattern(pattern: string, key: string): boolean {
  const normal = key.normalize('NFC');
  return isPlainKey(normal) && covers(tokensOf(pattern.normalize('NFC')), normal);
}

type Token = { star: 'segment' | 'any' } | { literal: string };

function tokensOf(pattern: string): Token[] {
  return pattern
    .split(/(\*+)/)
    .filter((part) => part !== '')
    .map((part) =>
      part.startsWith('*')
        ? { star: part.length === 1 ? ('segment' as const) : ('any' as const) }
        : { literal: part },
    );
}

/** The set of positions reachable after each token: no backtracking. */
function covers(tokens: readonly Token[], key: string): boolean {
  let reachable = new Set([0]);
  for (const token of tokens) {
    const next = new Set<number>();
    if ('literal' in token) {
      for (const at of reachable) if (key.startsWith(token.literal, at)) next.add(at + token.literal.length);
    } else {
      let open = false;
      for (let at = 0; at <= key.length; at += 1) {
        if (open && token.star === 'segment' && key[at - 1] === '/') open = false;
        if (reachable.has(at)) open = true;
        if (open) next.add(at);
      }
    }
    reachable = next;
  }
  return reachable.has(key.length);
}

function isPlainKey(key: string): boolean {
  if (key.length === 0 || key.length > 512 || /\p{Cc}/u.test(key)) return false;
  return key.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..');
}
