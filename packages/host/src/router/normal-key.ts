const MOST_CHARACTERS = 512;
/** Besides what NFKC would change: characters that only look like a slash or a backslash. */
const SLASH_LIKE = /[\u2044\u2215\u29f8\u2216\u29f5\u29f9]/;
/** Invisible, reserved for `*` of patterns, or another spelling of a separator or a space. */
const NEVER = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\\*]|(?! )\p{Zs}/u;

/**
 * The one spelling of a key, topic or name that is decided on and stored: Unicode's NFC. Null for what two readers
 * could take for different things, or for the same: ill-formed or over 512 characters; invisible, control or
 * unassigned characters; compatibility forms (full-width letters, ligatures: whatever NFKC changes); `*`, `\` and
 * what looks like a slash; segments that are empty, `.`, `..`, end in a dot or have a space at either end.
 * Case counts.
 */
export function normalKey(text: string): string | null {
  // Composing never makes a text a third of what it was: what is longer than that need not be looked at.
  if (text.length > 3 * MOST_CHARACTERS || !text.isWellFormed()) return null;
  const key = text.normalize('NFC');
  if (key.length > MOST_CHARACTERS || key !== key.normalize('NFKC')) return null;
  if (NEVER.test(key) || SLASH_LIKE.test(key)) return null;
  return key.split('/').every(isPlainSegment) ? key : null;
}

function isPlainSegment(segment: string): boolean {
  return segment !== '' && !segment.endsWith('.') && segment.trim() === segment;
}
