/**
 * The most that one image can cost in input tokens, by the formulas that the makers publish at their largest sizes:
 * OpenAI (platform.openai.com/docs/guides/images-vision), Anthropic (docs.claude.com, Vision) and Google
 * (ai.google.dev/gemini-api/docs/tokens), rounded up. For a model of anyone else the bound is its whole context, which
 * no single request can exceed.
 */
export function imageTokens(model: string, contextTokens: number): number {
  const known = FAMILIES.find(([family]) => family.test(model));
  return Math.min(known ? known[1] : contextTokens, contextTokens);
}

const FAMILIES: readonly (readonly [RegExp, number])[] = [
  [/gpt-4o-mini/, 50_000],
  [/gpt-4\.1-(?:mini|nano)/, 5000],
  [/gpt-4(?:o|\.1|-turbo)/, 2500],
  [/(?:^|\/)(?:gpt-[5-9]|o[134](?:$|-)|codex|chat-latest)/, 12_000],
  [/claude/, 5000],
  [/gemini/, 6000],
];
