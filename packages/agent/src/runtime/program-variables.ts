import { readFileSync } from 'node:fs';
import type { AgentStart } from '@openlegion/contract/agent-api';
import type { RuntimeConfig } from '@openlegion/contract/agents-config';
import { PROGRAM_ENVIRONMENT } from '@openlegion/contract/program-environment';
import { z } from 'zod';

/** Where an image that was extended keeps the variables it came with: `["NAME=value", …]`. Written at its build. */
export const IMAGE_VARIABLES_FILE = '/opt/openlegion/image-variables.json';

/**
 * What a program finds in its environment, later over earlier: the image's own variables, the ways out and the model
 * endpoint, placeholders of credentials, and what the operator set.
 */
export function programVariables(options: {
  start: AgentStart;
  runtime: RuntimeConfig;
  workspace: string;
  imageVariablesFile?: string;
}): Record<string, string> {
  const { start, runtime, workspace } = options;
  return {
    ...imageVariables(options.imageVariablesFile ?? IMAGE_VARIABLES_FILE),
    PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
    ...PROGRAM_ENVIRONMENT,
    ...start.egress.environment,
    HOME: workspace,
    LANG: 'C.UTF-8',
    TERM: 'dumb',
    NO_COLOR: '1',
    OPENLEGION_AGENT: start.name,
    OPENLEGION_MODEL: start.model,
    ...runtime.env,
  };
}

function imageVariables(file: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return {};
  }
  const entries = z.array(z.string()).parse(JSON.parse(text));
  return Object.fromEntries(
    entries.map((entry) => {
      const equals = entry.indexOf('=');
      return [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}
