/** One character that a native expression of one character decides: that cannot backtrack. */
export type CharacterTest = (character: string) => boolean;

export type PatternNode =
  | { type: 'character'; test: CharacterTest }
  | { type: 'sequence'; nodes: PatternNode[] }
  | { type: 'choice'; nodes: PatternNode[] }
  | { type: 'repeat'; node: PatternNode; min: number; max: number; greedy: boolean }
  | { type: 'group'; index: number; node: PatternNode }
  | { type: 'assertion'; holds: (before: string | undefined, after: string | undefined) => boolean };

export interface ParsedPattern {
  root: PatternNode;
  groups: number;
}

const MOST_REPEATS = 1000;
const DEEPEST = 30;

/** Parses the subset of JavaScript's expressions that runs in linear time. Throws SyntaxError for the rest. */
export function parsePattern(source: string, flags: string): ParsedPattern {
  if (!/^(?:([ims])(?!.*\1))*$/.test(flags)) throw new SyntaxError(`flags may be i, m and s, not "${flags}"`);
  new RegExp(source, `u${flags}`); // Its syntax errors are the clearest there are.
  let at = 0;
  let groups = 0;

  const choice = (depth: number): PatternNode => {
    if (depth > DEEPEST) throw new SyntaxError(`groups are nested more than ${DEEPEST} deep`);
    const nodes = [sequence(depth)];
    while (source[at] === '|') {
      at += 1;
      nodes.push(sequence(depth));
    }
    return nodes.length === 1 && nodes[0] ? nodes[0] : { type: 'choice', nodes };
  };

  const sequence = (depth: number): PatternNode => {
    const nodes: PatternNode[] = [];
    while (at < source.length && source[at] !== '|' && source[at] !== ')') nodes.push(repeated(depth));
    return { type: 'sequence', nodes };
  };

  const repeated = (depth: number): PatternNode => {
    const node = atom(depth);
    const quantifier = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})(\??)/.exec(source.slice(at));
    if (!quantifier) return node;
    at += quantifier[0].length;
    const [, sign, low, comma, high, lazy] = quantifier;
    const min = sign ? (sign === '+' ? 1 : 0) : Number(low);
    const max = sign ? (sign === '?' ? 1 : Infinity) : high ? Number(high) : comma ? Infinity : min;
    if (min > MOST_REPEATS || (max !== Infinity && max > MOST_REPEATS))
      throw new SyntaxError(`a repeat count is over ${MOST_REPEATS}`);
    return { type: 'repeat', node, min, max, greedy: lazy === '' };
  };

  const atom = (depth: number): PatternNode => {
    const rest = source.slice(at);
    if (rest.startsWith('(')) return group(depth, rest);
    if (rest.startsWith('^') || rest.startsWith('$')) {
      at += 1;
      return edge(rest.startsWith('^'), flags.includes('m'));
    }
    if (/^\\[bB]/.test(rest)) {
      at += 2;
      return wordEdge(rest[1] === 'b');
    }
    if (/^\\[1-9k]/.test(rest))
      throw new SyntaxError('a reference back to a group cannot be matched in linear time');
    const single =
      /^(?:\[(?:\\.|[^\]\\])*\]|\\[pP]\{[^}]*\}|\\u\{[^}]*\}|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\c[A-Za-z]|\\.|.)/su.exec(
        rest,
      );
    if (!single) throw new SyntaxError(`nothing to match at "${rest.slice(0, 20)}"`);
    at += single[0].length;
    return { type: 'character', test: characterTest(single[0], flags) };
  };

  const group = (depth: number, rest: string): PatternNode => {
    const captures = !rest.startsWith('(?');
    if (!captures && !rest.startsWith('(?:'))
      throw new SyntaxError('groups are (…) or (?:…): names and look-around are not supported');
    at += captures ? 1 : 3;
    const index = captures ? ++groups : 0;
    const node = choice(depth + 1);
    at += 1; // The closing bracket: the native parser has seen that it is there.
    return captures ? { type: 'group', index, node } : node;
  };

  const root = choice(0);
  return { root, groups };
}

function characterTest(written: string, flags: string): CharacterTest {
  const expression = new RegExp(`^${written}$`, `u${flags.replace('m', '')}`);
  const ascii = new Map<string, boolean>();
  return (character) => {
    const known = ascii.get(character);
    if (known !== undefined) return known;
    const matches = expression.test(character);
    if (character < '\u0080') ascii.set(character, matches);
    return matches;
  };
}

const isLineEnd = (character: string | undefined) =>
  character !== undefined && /^[\n\r\u2028\u2029]$/.test(character);
const isWord = (character: string | undefined) => character !== undefined && /^\w$/.test(character);

function edge(start: boolean, multiline: boolean): PatternNode {
  return {
    type: 'assertion',
    holds: (before, after) => {
      const beside = start ? before : after;
      return beside === undefined || (multiline && isLineEnd(beside));
    },
  };
}

function wordEdge(wanted: boolean): PatternNode {
  return { type: 'assertion', holds: (before, after) => (isWord(before) !== isWord(after)) === wanted };
}
