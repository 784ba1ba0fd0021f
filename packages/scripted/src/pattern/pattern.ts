import { compilePattern } from './compile-pattern.ts';
import { parsePattern } from './parse-pattern.ts';
import { runPattern } from './run-pattern.ts';

/** Characters of a text that a pattern looks at; what lies beyond cannot match. */
export const PATTERN_TEXT_CHARACTERS = 8192;

/** What a `when.user` or `when.result` of a script looks for. */
export interface Pattern {
  /** Steps of the compiled program: its work is at most this times the characters looked at. */
  readonly size: number;
  /** Capture groups. */
  readonly groups: number;
  /** The groups (the whole match first, `''` for one that took no part), or null when there is no match. */
  match(text: string): string[] | null;
}

/**
 * `/…/flags` (flags i, m, s) is a regular expression; everything else is text to be contained, as it is written.
 *
 * Scripts meet hostile text, and JavaScript's own expressions can take exponential time on it. These run as a
 * set of states advanced once per character (Thompson 1968, Pike's captures), so time is bounded by size × text,
 * whatever the expression. What that cannot express (back-references, look-around) is refused.
 *
 * Throws SyntaxError with a message for the script's author.
 */
export function createPattern(written: string): Pattern {
  const expression = /^\/(.*)\/([a-z]*)$/s.exec(written);
  if (!expression) {
    return {
      size: 1,
      groups: 0,
      match: (text) => (text.includes(written) ? [written] : null),
    };
  }
  const [, source = '', flags = ''] = expression;
  const program = compilePattern(parsePattern(source, flags));
  return {
    size: program.steps.length,
    groups: program.groups,
    match: (text) => runPattern(program, text.slice(0, PATTERN_TEXT_CHARACTERS)),
  };
}
