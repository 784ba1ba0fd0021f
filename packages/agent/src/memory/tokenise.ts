/** Scripts written without spaces between words, or with words that run on: pairs of characters stand for words. */
const DENSE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー]+/gu;
const WORD = /[\p{L}\p{N}\p{M}]+/gu;
/** Marks that people leave out as often as they write them; in other scripts a mark is part of the letter. */
const OPTIONAL_MARKS = /(?<=[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])\p{M}+/gu;

/** A word, or one or two characters of a script that has no spaces. */
export interface Token {
  text: string;
  dense: boolean;
}

/** One spelling for what is written in many: width, case and optional marks make no difference. */
export function normalise(text: string): string {
  return text.normalize('NFKD').replace(OPTIONAL_MARKS, '').normalize('NFC').toLowerCase();
}

/**
 * The words of a text in their order, repeated where they are; of dense scripts each character and each pair, so
 * that a query of a single character finds something too. Letters, digits and marks only.
 */
export function tokenise(text: string): Token[] {
  const tokens: Token[] = [];
  for (const [word] of normalise(text).matchAll(WORD)) {
    let from = 0;
    for (const run of word.matchAll(DENSE)) {
      addWord(tokens, word.slice(from, run.index));
      addDense(tokens, run[0]);
      from = run.index + run[0].length;
    }
    addWord(tokens, word.slice(from));
  }
  return tokens;
}

function addWord(tokens: Token[], word: string): void {
  if (word !== '') tokens.push({ text: stem(word.slice(0, 64)), dense: false });
}

function addDense(tokens: Token[], run: string): void {
  const characters = [...run];
  for (const [index, character] of characters.entries()) {
    tokens.push({ text: character, dense: true });
    const next = characters[index + 1];
    if (next !== undefined) tokens.push({ text: character + next, dense: true });
  }
}

/** English plurals only: what goes further takes apart as many words as it brings together. */
function stem(word: string): string {
  if (word.length > 4 && word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  return word.length > 3 && /[^su]s$/.test(word) ? word.slice(0, -1) : word;
}
