import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { formatProblems } from './config-problem.ts';
import type { FleetConfig } from './fleet-config.ts';
import { loadConfig } from './load-config.ts';

/** The configuration of an installation. Throws `bad_request` with every problem, each with file, line and remedy. */
export function requireConfig(home: string, warn: (warning: string) => void): FleetConfig {
  const loaded = loadConfig(home);
  if (!loaded.ok) {
    throw new OpenLegionError({
      code: 'bad_request',
      rule: 'config',
      message: `The configuration cannot be used:\n${formatProblems(loaded.problems)}`,
      remedy: `Correct it in ${home}, then: ./openlegion start, or ./openlegion reload where it runs.`,
    });
  }
  for (const warning of loaded.warnings) warn(formatProblems([warning]));
  return loaded.config;
}
