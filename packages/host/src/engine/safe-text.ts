/**
 * Text of another program, made fit to show: control and format characters become spaces, ends at `maxLength`.
 * An engine's message may quote what a hostile image or container named.
 */
export function safeText(text: string, maxLength = 600): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return clean.length > maxLength ? `${clean.slice(0, maxLength)}…` : clean;
}
