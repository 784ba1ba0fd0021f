import { z } from 'zod';
import type { ToolResult } from '../tools/tool.ts';

const MAX_PARTS = 200;

/** What a call gives back, as far as it is read here. */
export const CallResult = z.looseObject({
  content: z.array(z.looseObject({ type: z.string() })).default([]),
  structuredContent: z.unknown().optional(),
  isError: z.boolean().default(false),
});

/** As text for the model, as it came: the loop cuts it and the prompt sanitises it. What is no text is named. */
export function renderResult({
  content,
  structuredContent,
  isError,
}: z.infer<typeof CallResult>): ToolResult {
  const parts = content.slice(0, MAX_PARTS).map(renderPart);
  if (content.length > MAX_PARTS) parts.push(`[and ${content.length - MAX_PARTS} more parts]`);
  if (parts.length === 0 && structuredContent !== undefined) parts.push(JSON.stringify(structuredContent));
  return { outcome: isError ? 'error' : 'ok', output: parts.join('\n') };
}

function renderPart(part: { type: string; [field: string]: unknown }): string {
  const { type, text, mimeType, data, uri, resource } = part;
  if (type === 'text') return typeof text === 'string' ? text : '';
  const kind = typeof mimeType === 'string' ? ` ${mimeType}` : '';
  if (typeof data === 'string') return `[${type}${kind}, ${Math.floor((data.length * 3) / 4)} bytes]`;
  if (typeof uri === 'string') return `[${type}${kind} ${uri}]`;
  if (typeof resource === 'object' && resource !== null) {
    const inner: { uri?: unknown; text?: unknown } = resource;
    const where = typeof inner.uri === 'string' ? ` ${inner.uri}` : '';
    return typeof inner.text === 'string' ? `[${type}${where}]\n${inner.text}` : `[${type}${kind}${where}]`;
  }
  return `[${type}]`;
}
