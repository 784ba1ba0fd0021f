import { OpenLegionError } from '@openlegion/contract/open-legion-error';

export function gatewayAway(cause?: unknown): OpenLegionError {
  return new OpenLegionError(
    {
      code: 'unavailable',
      rule: 'vault.gateway',
      message: 'The gateway does not answer; no model and nothing outside can be reached.',
      remedy:
        'It is started again by itself; if this stays, see data/logs and run "./openlegion stop" and "start".',
    },
    { cause },
  );
}
