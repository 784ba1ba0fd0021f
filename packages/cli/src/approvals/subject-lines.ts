import { createHash } from 'node:crypto';
import type { ApprovalView } from '@openlegion/contract/control-approvals';
import { visibleLines, visibleText } from './visible-text.ts';

/**
 * What will run, whole, as lines for a person. Every line begins with the frame, so that nothing in it can pass for
 * the command's own words, and each character that cannot be seen is written out.
 */
export function subjectLines(subject: string): string[] {
  return linesOf(JSON.parse(subject)).map((line) => `│ ${line}`);
}

/** Whether the hash is that of this very text: what is shown is then what was hashed. */
export function matchesHash({ subject, hash }: Pick<ApprovalView, 'subject' | 'hash'>): boolean {
  return createHash('sha256').update(subject).digest('hex') === hash;
}

function linesOf(value: unknown): string[] {
  if (typeof value === 'string') return textLines(value);
  if (typeof value !== 'object' || value === null) return [JSON.stringify(value)];
  const entries = Array.isArray(value) ? value.map((entry) => ['-', entry] as const) : Object.entries(value);
  if (entries.length === 0) return [Array.isArray(value) ? '[]' : '{}'];
  return entries.flatMap(([name, inner]) => {
    const key = Array.isArray(value) ? '-' : `${quoted(name)}:`;
    const lines = linesOf(inner);
    const [only = ''] = lines;
    const nested = typeof inner === 'object' && inner !== null && Object.keys(inner).length > 0;
    if (lines.length === 1 && !nested) return [`${key} ${only}`];
    return [key, ...lines.map((line) => `  ${line}`)];
  });
}

/** A text of one line in quotes, so that spaces at its ends show; a longer one behind a bar. */
function textLines(text: string): string[] {
  if (!text.includes('\n')) return [`"${visibleText(text)}"`];
  return visibleLines(text).map((line) => `▏${line}${/ $/.test(line) ? '⏎' : ''}`);
}

function quoted(name: string): string {
  return /^[A-Za-z_][\w-]*$/.test(name) ? name : `"${visibleText(name)}"`;
}
