import type { ScriptedSettings } from '@openlegion/contract/process-protocol';
import { z } from 'zod';

const Settings = z.strictObject({
  run: z.string().min(1),
  scriptsDirectory: z.string().min(1),
  gatewayUid: z.int().nonnegative().nullable().default(null),
  listen: z.strictObject({ port: z.int().min(0).max(65_535) }).optional(),
});

/** Reads `--config-json` of the command line. Throws an Error with a message for whoever wrote it. */
export function parseSettings(argv: readonly string[]): ScriptedSettings {
  const at = argv.indexOf('--config-json');
  const text = at < 0 ? undefined : argv[at + 1];
  if (text === undefined) throw new Error('--config-json and one JSON object are needed');
  const { listen, ...settings } = Settings.parse(JSON.parse(text));
  return listen ? { ...settings, listen } : settings;
}
