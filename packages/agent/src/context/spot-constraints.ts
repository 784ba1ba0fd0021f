import type { Sentence } from './sentences.ts';

/**
 * Words by which people say what holds from then on, in the languages most spoken. Too much is kept rather than too
 * little: a sentence more in the prompt costs some tokens, one that is forgotten breaks what was asked for.
 */
const MARKS = [
  // English
  String.raw`\b(?:always|never|must|mustn['’]t|do not|don['’]t|only|from now on|at all times|no matter|under no circumstances|make sure|avoid|without asking|unless|refrain|forbidden|not allowed|keep (?:it|your|all|every)|(?:answer|reply|respond|write|speak) in|every time|each time|ask (?:me|us) before|remember (?:to|that)|call me|prefer)\b`,
  // German, French, Spanish, Portuguese, Italian, Dutch
  String.raw`(?<!\p{L})(?:immer|nie|niemals|nicht|kein\p{L}*|nur|darfst|muss|musst|sollst|ab jetzt|von nun an|toujours|jamais|ne|uniquement|désormais|dois|doit|interdit|siempre|nunca|jamás|no|solo|sólo|únicamente|debes|prohibido|sempre|não|apenas|somente|deve|deves|mai|non|soltanto|devi|vietato|altijd|nooit|niet|geen|alleen|moet)(?!\p{L})`,
  // Russian, Ukrainian, Polish, Turkish
  String.raw`(?<!\p{L})(?:всегда|никогда|не|только|нельзя|должен|обязательно|завжди|ніколи|тільки|zawsze|nigdy|nie|tylko|musisz|her zaman|asla|sadece|yalnızca)(?!\p{L})`,
  // Arabic, Persian, Hebrew, Hindi, Bengali
  String.raw`(?<!\p{L})(?:دائما|دائمًا|أبدا|أبدًا|لا|فقط|يجب|همیشه|هرگز|نباید|باید|تنها|תמיד|לעולם|אל|רק|אסור|हमेशा|कभी|मत|केवल|सिर्फ|সবসময়|কখনও|শুধু)(?!\p{L})`,
  // Chinese, Japanese, Korean, Thai, Vietnamese, Indonesian
  '总是|總是|始终|永远|永遠|不要|不得|必须|必須|只能|只用|禁止|务必|從現在|从现在|必ず|絶対|常に|しないで|だけ|항상|절대|반드시|만 |하지 마|เสมอ|ห้าม|อย่า|เท่านั้น|ต้อง|luôn|không|chỉ|phải|selalu|jangan|hanya|harus',
];
const MARK = new RegExp(MARKS.join('|'), 'iu');
const QUESTION = /[?？؟]["'”’)\]]*$/u;

/** The sentences that state what holds from then on. A question states nothing. */
export function spotConstraints(sentences: readonly Sentence[]): string[] {
  return sentences.filter(({ text }) => !QUESTION.test(text) && MARK.test(text)).map(({ text }) => text);
}
