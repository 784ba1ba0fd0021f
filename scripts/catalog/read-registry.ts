import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const Registry = z.object({
  providers: z.record(
    z.string(),
    z.object({
      name: z.string(),
      url: z.string().optional(),
      npm: z.string().optional(),
      apiKeyEnvVar: z.union([z.string(), z.array(z.string())]),
      deprecatedModels: z.union([z.array(z.string()), z.record(z.string(), z.unknown())]).optional(),
    }),
  ),
  models: z.record(z.string(), z.array(z.string())),
});

export interface RegisteredProvider {
  name: string;
  /** As written there: it may hold `${PLACEHOLDERS}`. */
  url: string | null;
  /** The client library that speaks to it, which tells its dialect. */
  npm: string | null;
  environment: string[];
  models: string[];
  structuredOutput: ReadonlySet<string>;
}

const Capabilities = z.object({ structuredOutput: z.array(z.string()).default([]) });

export function readRegistry(directory: string): Map<string, RegisteredProvider> {
  const { providers, models } = Registry.parse(
    JSON.parse(readFileSync(join(directory, 'dist/provider-registry.json'), 'utf8')),
  );
  return new Map(
    Object.entries(providers).map(([id, { name, url, npm, apiKeyEnvVar, deprecatedModels = [] }]) => {
      const gone = new Set(
        Array.isArray(deprecatedModels) ? deprecatedModels : Object.keys(deprecatedModels),
      );
      return [
        id,
        {
          name,
          url: url ?? null,
          npm: npm ?? null,
          environment: [apiKeyEnvVar].flat(),
          models: (models[id] ?? []).filter((model) => !gone.has(model)),
          structuredOutput: structuredOutputOf(join(directory, 'dist/capabilities', `${id}.json`)),
        },
      ];
    }),
  );
}

function structuredOutputOf(path: string): ReadonlySet<string> {
  if (!existsSync(path)) return new Set();
  return new Set(Capabilities.parse(JSON.parse(readFileSync(path, 'utf8'))).structuredOutput);
}
