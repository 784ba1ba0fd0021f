import type { JsonValue } from '@openlegion/contract/json-value';
import { parseBoundedJson } from './bounded-json.ts';
import type { KeyPart, Reference } from './parse-reference.ts';
import type { Draft } from './run-draft.ts';
import type { Readers } from './step-dispatch.ts';

export type Resolved = { ok: true; value: JsonValue } | { ok: false; message: string };

/**
 * What a reference stands for now. A dependency that was skipped or failed has the result null; a path that a
 * result does not have is an error, never something else.
 */
export function resolveReference(draft: Draft, reference: Reference, readers: Readers): Resolved {
  switch (reference.from) {
    case 'trigger':
      return at(draft.record.payload, reference.path, 'trigger.payload');
    case 'inputs':
      return at(draft.record.inputs, reference.path, 'inputs');
    case 'step': {
      const { status, result } = draft.step(reference.step);
      if (status !== 'done' && result === null) return { ok: true, value: null };
      return at(result, reference.path, `${reference.step}.result`);
    }
    case 'blackboard':
      return readKey(draft, reference.key, readers);
  }
}

function at(root: JsonValue, path: readonly string[], name: string): Resolved {
  let value: JsonValue = root;
  for (const [depth, part] of path.entries()) {
    const inner: JsonValue | undefined = memberOf(value, part);
    if (inner === undefined)
      return { ok: false, message: `${[name, ...path.slice(0, depth + 1)].join('.')} does not exist` };
    value = inner;
  }
  return { ok: true, value };
}

function memberOf(value: JsonValue, part: string): JsonValue | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) return /^\d+$/.test(part) ? value[Number(part)] : undefined;
  return Object.hasOwn(value, part) ? value[part] : undefined;
}

function readKey(draft: Draft, parts: readonly KeyPart[], readers: Readers): Resolved {
  let key = '';
  for (const part of parts) {
    if ('literal' in part) {
      key += part.literal;
      continue;
    }
    const found =
      'reference' in part ? resolveReference(draft, part.reference, readers) : named(draft, part.name);
    if (!found.ok) return found;
    const { value } = found;
    // One segment of a key, whatever a stranger put into the payload.
    if ((typeof value !== 'string' && typeof value !== 'number') || !/^[^/\p{Cc}]{1,200}$/u.test(`${value}`))
      return { ok: false, message: 'a part of the key is not one word without a slash' };
    key += `${value}`;
  }
  if (key.split('/').some((segment) => segment === '' || segment === '.' || segment === '..'))
    return { ok: false, message: 'the key has an empty, "." or ".." segment' };
  const read = draft.context.readBlackboard(readers, key);
  if ('refusal' in read) return { ok: false, message: read.refusal.message };
  if (!read.found) return { ok: false, message: `blackboard://${key} does not exist` };
  const parsed = parseBoundedJson(read.value);
  return parsed.ok ? parsed : { ok: false, message: `blackboard://${key}: ${parsed.problem}` };
}

function named(draft: Draft, name: string): Resolved {
  if (Object.hasOwn(draft.record.inputs, name)) return at(draft.record.inputs, [name], 'inputs');
  return at(draft.record.payload, [name], 'trigger.payload');
}
