import { VaultError } from './vault-error.ts';

/**
 * The settings that the supervisor gave: the arguments are exactly `--config-json` and one JSON value, not yet
 * parsed further. Throws `bad_request`.
 */
export function readSettingsArgument(argv: readonly string[]): unknown {
  const [flag, json, ...rest] = argv;
  if (flag === '--config-json' && json !== undefined && rest.length === 0) {
    try {
      return JSON.parse(json);
    } catch {
      // Falls through: one message for every wrong call.
    }
  }
  throw new VaultError({
    code: 'bad_request',
    rule: 'process.arguments',
    message: 'This program takes --config-json and one JSON object.',
    remedy: 'It is run by OpenLegion itself: use `./openlegion start`.',
  });
}
