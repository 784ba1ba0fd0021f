import { ConfigReloaded } from '@openlegion/contract/control-api';
import { createControlClient } from './control-client.ts';

/** Agents that are awake may have to be started again for it. */
const RELOAD_MS = 30_000;

/** Has the host read `config/` again. Throws its refusal of a file with a mistake in it; then nothing changed. */
export function reloadConfiguration(home: string): Promise<ConfigReloaded> {
  const path = '/api/config/reload';
  return createControlClient(home).json(ConfigReloaded, {
    method: 'POST',
    path,
    json: {},
    timeoutMs: RELOAD_MS,
  });
}
