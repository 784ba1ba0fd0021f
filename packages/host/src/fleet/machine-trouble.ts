import type { Refusal } from '@openlegion/contract/refusal';

/** A full disk, or an engine or a vault that is away: no fault of a message or an agent, which wait until it is mended. */
export function isMachineTrouble({ code, rule }: Refusal): boolean {
  if (rule.startsWith('store.')) return true;
  if (rule.startsWith('engine.')) return code === 'unavailable' || code === 'disk_full';
  if (rule === 'vault.keeper' || rule === 'vault.gateway') return code === 'unavailable';
  return rule === 'image.build' && code === 'disk_full';
}
