/**
 * What a reader would not see, or not where it stands: control and format characters (text that runs backwards among
 * them), separators of lines and paragraphs, spaces that are not the space, variation selectors, fillers, and what
 * has no meaning (private, unassigned, half a character).
 */
const MARKED =
  /[⟨⟩\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/gu;

/** Text as it is, with every invisible character written out: `⟨U+202E⟩`. The mark itself is, too. */
export function visibleText(text: string): string {
  return text.replace(MARKED, written);
}

/** Lines of a text, each made visible; an empty last line stands for a text that ends with a new line. */
export function visibleLines(text: string): string[] {
  return text.split('\n').map(visibleText);
}

function written(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `⟨U+${code}⟩`;
}
