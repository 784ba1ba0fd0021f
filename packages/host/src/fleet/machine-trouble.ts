import type { Refusal } from '@openlegion/contract/refusal';

/** A full disk, or an engine that is away: no fault of a message or an agent, which wait until it is mended. */
export function isMachineTrouble({ code, rule }: Refusal): boolean {
  if (rule.startsWith('store.')) return true;
  if (rule.startsWith('engine.')) return code === 'unavailable' || code === 'disk_full';
  return rule === 'image.build' && code === 'disk_full';
}
