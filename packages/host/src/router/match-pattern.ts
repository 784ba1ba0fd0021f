import { normalKey } from './normal-key.ts';

/**
 * Whether a pattern of permissions.json covers a key. `*` is any run of characters within one `/` segment, also
 * none; `**` any run, slashes included; everything else is itself, case and all. Both are compared in Unicode's NFC,
 * and a key that `normalKey` refuses is covered by nothing. Takes time linear in each of the two, whatever the other.
 */
export function matchesPattern(pattern: string, key: string): boolean {
  const normal = normalKey(key);
  return normal !== null && pattern.isWellFormed() && covers(pattern.normalize('NFC'), normal);
}

/**
 * Which ends of `key` the pattern read so far can reach, one byte for each: no backtracking. Most patterns fail, or
 * are through, at their first literal.
 */
function covers(pattern: string, key: string): boolean {
  const star = pattern.indexOf('*');
  if (star === -1) return pattern === key;
  if (!key.startsWith(pattern.slice(0, star))) return false;
  let reached = new Uint8Array(key.length + 1);
  reached[star] = 1;
  for (const token of pattern.slice(star).split(/(\*+)/)) {
    if (token === '') continue;
    reached = token.startsWith('*') ? afterStar(reached, key, token !== '*') : afterText(reached, key, token);
  }
  return reached[key.length] === 1;
}

function afterStar(reached: Uint8Array, key: string, crosses: boolean): Uint8Array<ArrayBuffer> {
  const next = new Uint8Array(reached.length);
  let open = false;
  for (let at = 0; at < reached.length; at += 1) {
    if (!crosses && key[at - 1] === '/') open = false;
    if (reached[at] === 1) open = true;
    if (open) next[at] = 1;
  }
  return next;
}

function afterText(reached: Uint8Array, key: string, text: string): Uint8Array<ArrayBuffer> {
  const next = new Uint8Array(reached.length);
  for (let at = 0; at < reached.length; at += 1) {
    if (reached[at] === 1 && key.startsWith(text, at)) next[at + text.length] = 1;
  }
  return next;
}
