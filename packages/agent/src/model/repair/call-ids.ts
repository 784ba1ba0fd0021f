import { createHash } from 'node:crypto';
import type { Dialect } from '@openlegion/contract/catalog';
import type { RepairTarget } from './repair-prompt.ts';

const FORM: Record<Dialect, RegExp> = {
  anthropic: /^[a-zA-Z0-9_-]{1,64}$/,
  google: /^[a-zA-Z0-9_-]{1,64}$/,
  'openai-chat': /^[a-zA-Z0-9_-]{1,40}$/,
  'openai-responses': /^[a-zA-Z0-9_-]{1,64}$/,
};
/** Mistral, wherever it is served: 400 "Tool call id … must be a-z, A-Z, 0-9, with a length of 9". */
const MISTRAL = /(?:mistral|ministral|codestral|devstral|magistral|pixtral|voxtral)/i;
const MISTRAL_FORM = /^[a-zA-Z0-9]{9}$/;

export function isMistral({ dialect, model }: RepairTarget): boolean {
  return dialect === 'openai-chat' && MISTRAL.test(model);
}

/**
 * Gives each call of a conversation an id of the target's form that no other call in it has: its own where that will
 * do, otherwise one made from it, the same every time, so that a provider's prompt cache still fits.
 */
export function callIds(target: RepairTarget): (id: string) => string {
  const { dialect } = target;
  const mistral = isMistral(target);
  const form = mistral ? MISTRAL_FORM : FORM[dialect];
  const taken = new Set<string>();
  return (id) => {
    let own = id;
    for (let n = 0; taken.has(own) || !form.test(own); n++) {
      const hash = createHash('sha256').update(`${id}\0${n}`).digest('hex');
      own = mistral ? hash.slice(0, 9) : `call_${hash.slice(0, 24)}`;
    }
    taken.add(own);
    return own;
  };
}
