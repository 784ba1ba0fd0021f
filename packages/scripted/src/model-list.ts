import { ANTHROPIC } from './dialects/anthropic.ts';
import { GOOGLE } from './dialects/google.ts';
import type { WireDialect } from './dialects/wire-dialect.ts';

/** The scripts as a list of models, in the shape of the dialect that asks. */
export function modelList(dialect: WireDialect, names: readonly string[], nowMs: number): unknown {
  if (dialect === ANTHROPIC)
    return {
      data: names.map((id) => ({
        type: 'model',
        id,
        display_name: `Script ${id}`,
        created_at: new Date(nowMs).toISOString(),
      })),
      has_more: false,
      first_id: names[0] ?? null,
      last_id: names.at(-1) ?? null,
    };
  if (dialect === GOOGLE)
    return {
      models: names.map((name) => ({
        name: `models/${name}`,
        displayName: `Script ${name}`,
        supportedGenerationMethods: ['generateContent', 'streamGenerateContent'],
      })),
    };
  const created = Math.floor(nowMs / 1000);
  return {
    object: 'list',
    data: names.map((id) => ({ id, object: 'model', created, owned_by: 'scripted' })),
  };
}
