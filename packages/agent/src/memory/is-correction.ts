/*
 * How people begin when they put something right, in the languages most spoken by those who write to agents. A guess:
 * what it misses is still in the conversation, and what it takes too much is one line in a bounded file.
 */
const BEGINNINGS: readonly RegExp[] = [
  /^(?:no|nope|nein|non|nee|não|нет)\s*(?:[,.!:—–]|-(?=\s))/iu,
  /^(?:no|nope|nein|non|nee|não|нет)\s+(?:that|this|it|i|you|das|ich|du|sie|ce|je|vous|tu|это|isso)\b/iu,
  /^(?:wrong|incorrect|not quite|falsch|faux|incorrecto|errado|неправильно|неверно)(?=\W|$)/iu,
  /^(?:that|this|it)(?:['’]s| is| was) (?:not|wrong|incorrect)\b/iu,
  /^(?:actually|eigentlich|en fait|en realidad|na verdade|на самом деле)(?=\W)/iu,
  /^i (?:said|meant|told you|asked for|wanted)\b/iu,
  /^you (?:forgot|misunderstood|got .{1,40} wrong|should(?:n['’]t| not)? have)\b/iu,
  /^(?:stop|don['’]t|do not|please don['’]t) \w/iu,
  /^(?:ich meinte|ich sagte|das stimmt nicht|das ist falsch|c['’]est faux|je voulais dire|está mal|eso no|está errado|я имел|это не так|не так)/iu,
  /^(?:不对|不是|错了|我说的是|应该是|違います|違う|ちがう|間違|そうじゃな|아니|틀렸|그게 아니)/u,
];

/** Whether a person's message seems to correct what the agent said or did before. */
export function isCorrection(text: string): boolean {
  const start = text.trimStart().slice(0, 100);
  return BEGINNINGS.some((beginning) => beginning.test(start));
}
