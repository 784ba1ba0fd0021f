/*
 * Every text on its way into a prompt passes here. First what steers a terminal, then what cannot be seen or steers
 * how text is shown, is taken out: control sequences, format, control, private, unassigned and default-ignorable
 * characters can carry a message that no person sees. Then what could be taken for the frame around the text, ours
 * or a chat template's, is broken up. In this order, because taking out can put a token together.
 */

/**
 * What a terminal takes for a command (ECMA-48): CSI with its parameters; a string (OSC, DCS, SOS, PM, APC) up to its
 * end on the same line; any other escape sequence. One without its end loses its beginning alone.
 */
const TERMINAL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  /(?:\x1B\[|\x9B)[0-?]{0,64}[ -/]{0,16}[@-~]|(?:\x1B[\]PX^_]|[\x90\x98\x9D-\x9F])(?:[^\n\r\x07\x1B\x80-\x9F]{0,4096}(?:\x07|\x1B\\|\x9C))?|\x1B[ -/]{0,16}[0-~]/g;

const INVISIBLE =
  /[\u2028\u2029]|[\p{Cc}--[\t\n\r]]|[\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Default_Ignorable_Code_Point}\u{FFFC}]/gv;

/** The flags of England, Scotland and Wales: the only sequences of tags that Unicode recommends (RGI). */
const TAG_FLAG =
  /^\u{E0067}\u{E0062}(?:\u{E0065}\u{E006E}\u{E0067}|\u{E0073}\u{E0063}\u{E0074}|\u{E0077}\u{E006C}\u{E0073})\u{E007F}/u;
const BLACK_FLAG = '\u{1F3F4}';

const ZWNJ = '\u200C';
const ZWJ = '\u200D';
const ZWSP = '\u200B';
const PRESENTATION: ReadonlySet<string> = new Set(['\uFE0E', '\uFE0F']);
/** Signs that stand around the digits behind them, and can be seen. */
const NUMBER_SIGNS = /[\u0600-\u0605\u06DD\u0890\u0891\u08E2\u{110BD}\u{110CD}]/u;
const MONGOLIAN_SELECTORS = /[\u180B-\u180F]/u;

/** What a presentation selector may follow: an emoji, or the base of a keycap. */
const PRESENTED = /[\p{Extended_Pictographic}0-9#*]$/v;
const EMOJI_BEFORE_JOINER = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F]$/v;
const EMOJI_AFTER_JOINER = /^[\p{Extended_Pictographic}--\p{Cn}]/v;
/** Letters and marks of the scripts whose spelling needs joiners between them. */
const JOINED =
  /[[[\p{L}\p{M}]--\p{Default_Ignorable_Code_Point}]&&[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Mongolian}\p{Script=Nko}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Khmer}\p{Script=Myanmar}]]/v;
/** Behind a virama a joiner says how the letter before is written, whatever follows (RFC 5892, appendix A). */
const VIRAMA = /[\u094D\u09CD\u0A4D\u0ACD\u0B4D\u0BCD\u0C4D\u0CCD\u0D4D\u0DCA\u1039\u103A\u17D2]$/u;
const ARABIC_LETTER = /[\p{L}&&\p{Script=Arabic}]/v;
const MONGOLIAN_LETTER = /[\p{L}&&\p{Script=Mongolian}]/v;
/** Scripts written without spaces, in which a zero-width one says where a word ends. */
const UNSPACED =
  /[[[\p{L}\p{M}]--\p{Default_Ignorable_Code_Point}]&&[\p{Script=Khmer}\p{Script=Thai}\p{Script=Lao}\p{Script=Myanmar}]]/v;

/** Tokens by which the chat templates of models mark who speaks. */
const TEMPLATE_TOKEN =
  /<(?=[|\uFF5C][^<>|\uFF5C\n]{1,64}[|\uFF5C]>)|<(?=\/?(?:im_start|im_end|im_sep|start_of_turn|end_of_turn|end_of_utterance|extra_id_\d{1,2}|s|bos|eos|pad|unk|sop|eop|tool_call|tool_response|think)\s{0,8}\/?>)|<(?=<\/?SYS>>)|\[(?=\/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|gMASK)\])/gi;

/** The elements in which our own prompts hold what others wrote (`FrameName`). */
const OUR_FRAME =
  /<(?=\s*(?:\/\s*)?(?:agent_message|conversation|conversation_summary|own_notes|project|recalled_memory|skills|task_context|task_input|task_output_schema|workspace_file)(?![a-z0-9_]))/gi;

/** What sanitising took out of texts, for the trace. */
export interface SanitiseTally {
  /** UTF-16 units. */
  removed: number;
  /** Tokens and marks of frames. */
  escaped: number;
}

/**
 * Removes terminal sequences and characters that cannot be seen or that steer how text is shown (joiners and emoji
 * selectors stay where they mean something) and escapes chat-template tokens and our own frames. Doing it twice
 * changes nothing; text with none of these comes back as it was; linear in the length of the text. It is hygiene:
 * what protects is that the host refuses what is not granted.
 */
export function sanitise(text: string, tally?: SanitiseTally): string {
  const seen = removeInvisible(text.replace(TERMINAL, ''));
  let escaped = 0;
  const broken = seen
    .replace(TEMPLATE_TOKEN, (token) => {
      escaped++;
      return `${token} `;
    })
    .replace(OUR_FRAME, () => {
      escaped++;
      return '&lt;';
    });
  if (tally) {
    tally.removed += text.length - seen.length;
    tally.escaped += escaped;
  }
  return broken;
}

function removeInvisible(text: string): string {
  const kept: string[] = [];
  let from = 0;
  /** The end of what is kept so far: a joiner is judged by what stays before it, not by what was there. */
  let before = '';
  for (const match of text.matchAll(INVISIBLE)) {
    const [character] = match;
    // Part of a flag that was kept whole.
    if (match.index < from) continue;
    if (match.index > from) {
      kept.push(text.slice(from, match.index));
      before = text.slice(Math.max(from, match.index - 2), match.index);
    }
    from = match.index + character.length;
    const flag = before.endsWith(BLACK_FLAG)
      ? TAG_FLAG.exec(text.slice(match.index, match.index + 12))?.[0]
      : undefined;
    if (flag !== undefined) from = match.index + flag.length;
    const stays = flag ?? keep(before, character, text.slice(from, from + 2));
    if (stays === '') continue;
    kept.push(stays);
    before = stays;
  }
  return from === 0 ? text : kept.join('') + text.slice(from);
}

/** What stands for `character` between what is kept before it and what comes after. */
function keep(before: string, character: string, after: string): string {
  if (character === '\u2028' || character === '\u2029') return '\n';
  return isMeant(before, character, after) ? character : '';
}

function isMeant(before: string, character: string, after: string): boolean {
  const last = [...before].at(-1) ?? '';
  const next = [...after][0] ?? '';
  if (PRESENTATION.has(character)) return PRESENTED.test(before);
  if (character === ZWNJ || character === ZWJ) {
    if (character === ZWJ && EMOJI_BEFORE_JOINER.test(before) && EMOJI_AFTER_JOINER.test(after)) return true;
    if (VIRAMA.test(before)) return true;
    if (!JOINED.test(last)) return false;
    return JOINED.test(next) || (character === ZWJ && ARABIC_LETTER.test(last));
  }
  if (character === ZWSP) return UNSPACED.test(last) && UNSPACED.test(next);
  if (NUMBER_SIGNS.test(character)) return /^\p{Nd}/u.test(after);
  return MONGOLIAN_SELECTORS.test(character) && MONGOLIAN_LETTER.test(last);
}
