/** Where the input of a step, or the list that it goes through, comes from. */
export type Reference =
  | { from: 'trigger'; path: readonly string[] }
  | { from: 'inputs'; path: readonly string[] }
  | { from: 'step'; step: string; path: readonly string[] }
  | { from: 'blackboard'; key: readonly KeyPart[] };

/** `context/{company}` is a literal and a reference; a bare word means an input, or else a field of the payload. */
export type KeyPart = { literal: string } | { reference: Reference } | { name: string };

const WORD = /^[A-Za-z_][A-Za-z0-9_-]{0,99}$/;
const INDEX = /^(?:0|[1-9][0-9]{0,5})$/;

export const REFERENCE_FORMS =
  'trigger.payload, trigger.payload.PATH, inputs.NAME, STEP, STEP.result, STEP.result.PATH or blackboard://KEY/{var}';

/** Null for what is none of `REFERENCE_FORMS`: nothing is guessed. */
export function parseReference(text: string): Reference | null {
  return text.startsWith('blackboard://') ? parseKey(text.slice('blackboard://'.length)) : parsePath(text);
}

function parsePath(text: string): Reference | null {
  const [root = '', second, ...rest] = text.split('.');
  const tail = second === undefined ? [] : [second, ...rest];
  if (!WORD.test(root) || !tail.every((part) => WORD.test(part) || INDEX.test(part))) return null;
  if (root === 'trigger') return second === 'payload' ? { from: 'trigger', path: rest } : null;
  if (root === 'inputs') return second === undefined ? null : { from: 'inputs', path: tail };
  if (second !== undefined && second !== 'result') return null;
  return { from: 'step', step: root, path: rest };
}

function parseKey(text: string): Reference | null {
  const key: KeyPart[] = [];
  for (const part of text.split(/(\{[^{}]*\})/)) {
    if (part === '') continue;
    if (!part.startsWith('{')) {
      if (/[{}\p{Cc}]/u.test(part)) return null;
      key.push({ literal: part });
      continue;
    }
    const inner = part.slice(1, -1);
    const reference = inner.includes('.') ? parsePath(inner) : null;
    if (reference) key.push({ reference });
    else if (WORD.test(inner)) key.push({ name: inner });
    else return null;
  }
  const sample = key.map((part) => ('literal' in part ? part.literal : 'x')).join('');
  const plain = sample.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..');
  return plain ? { from: 'blackboard', key } : null;
}

/** The steps that a reference reads. */
export function stepsOf(reference: Reference): string[] {
  if (reference.from === 'step') return [reference.step];
  if (reference.from !== 'blackboard') return [];
  return reference.key.flatMap((part) => ('reference' in part ? stepsOf(part.reference) : []));
}
