/*
 * Every text on its way into a prompt passes here. First what cannot be seen or steers how text is shown is taken
 * out: format, control, private, unassigned and default-ignorable characters can carry a message that no person
 * sees. Then what could be taken for the frame around the text, ours or a chat template's, is broken up. In this
 * order, because taking out can put a token together.
 */

const INVISIBLE =
  /[\u2028\u2029]|[\p{Cc}--[\t\n\r]]|[\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Default_Ignorable_Code_Point}\u{FFFC}]/gv;

const JOINERS: ReadonlySet<string> = new Set(['\u200C', '\u200D']);
const PRESENTATION: ReadonlySet<string> = new Set(['\uFE0E', '\uFE0F']);

/** What a presentation selector may follow: an emoji, or the base of a keycap. */
const PRESENTED = /[\p{Extended_Pictographic}0-9#*]$/v;
const EMOJI_BEFORE_JOINER = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F]$/v;
const EMOJI_AFTER_JOINER = /^[\p{Extended_Pictographic}--\p{Cn}]/v;
/** Letters and marks of the scripts whose spelling needs joiners between them. */
const JOINED =
  /[[[\p{L}\p{M}]--\p{Default_Ignorable_Code_Point}]&&[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Mongolian}\p{Script=Nko}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Khmer}\p{Script=Myanmar}]]/v;

/** Tokens by which the chat templates of models mark who speaks. */
const TEMPLATE_TOKEN =
  /<(?=[|\uFF5C])|(?<=[|\uFF5C])>|<(?=\/?(?:im_start|im_end|im_sep|start_of_turn|end_of_turn|s|bos|eos|pad|unk)\s*\/?>)|<(?=<\/?SYS>>)|\[(?=\/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])/gi;

/** The elements in which our own prompts hold what others wrote (`FrameName`). */
const OUR_FRAME =
  /<(?=\s*(?:\/\s*)?(?:agent_message|conversation|conversation_summary|project|recalled_memory|skills|system_file|task_context|task_input|task_output_schema|workspace_file)(?![a-z0-9_]))/gi;

/** What sanitising took out of texts, for the trace. */
export interface SanitiseTally {
  /** Characters. */
  removed: number;
  /** Tokens and marks of frames. */
  escaped: number;
}

/**
 * Removes characters that cannot be seen or that steer how text is shown (joiners and emoji selectors stay where
 * they mean something) and escapes chat-template tokens and our own frames. Doing it twice changes nothing; text
 * with none of these comes back as it was; linear in the length of the text.
 */
export function sanitise(text: string, tally?: SanitiseTally): string {
  const seen = removeInvisible(text);
  let escaped = 0;
  const broken = seen
    .replace(TEMPLATE_TOKEN, (token) => {
      escaped++;
      return token === '>' ? ' >' : `${token} `;
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
    if (match.index > from) {
      kept.push(text.slice(from, match.index));
      before = text.slice(Math.max(from, match.index - 2), match.index);
    }
    from = match.index + character.length;
    const stays = keep(before, character, text.slice(from, from + 2));
    if (stays === '') continue;
    kept.push(stays);
    before = stays;
  }
  return from === 0 ? text : kept.join('') + text.slice(from);
}

/** What stands for `character` between what is kept before it and what comes after. */
function keep(before: string, character: string, after: string): string {
  if (character === '\u2028' || character === '\u2029') return '\n';
  if (PRESENTATION.has(character)) return PRESENTED.test(before) ? character : '';
  if (!JOINERS.has(character)) return '';
  const emoji = character === '\u200D' && EMOJI_BEFORE_JOINER.test(before) && EMOJI_AFTER_JOINER.test(after);
  return emoji || (joined(before, 'end') && joined(after, 'start')) ? character : '';
}

function joined(text: string, side: 'start' | 'end'): boolean {
  const characters = [...text];
  const character = side === 'start' ? characters[0] : characters.at(-1);
  return character !== undefined && JOINED.test(character);
}
