import { createHash } from 'node:crypto';
import type { Dialect } from '@openlegion/contract/catalog';
import type { FunctionTool } from '../adapter.ts';
import { objectSchema } from './simplify-schema.ts';

/** What every dialect takes; Google also wants a letter or an underscore first. */
const NAME = /^[a-zA-Z_][a-zA-Z0-9_-]{0,63}$/;

export interface RepairedTools {
  tools: FunctionTool[];
  /** A tool's name as it is sent, also of one that is only in the history. */
  rename: (name: string) => string;
  restore: (sent: string) => string;
}

/** Each name once (the first definition stays), in a form that is accepted, with a schema that is. */
export function repairTools(tools: readonly FunctionTool[], dialect: Dialect): RepairedTools {
  const names = new Map<string, string>();
  const kept = tools.filter(({ name }) => {
    const sent = sentName(name);
    if (names.has(sent)) return false;
    names.set(sent, name);
    return true;
  });
  return {
    tools: kept.map((tool) => ({
      ...tool,
      name: sentName(tool.name),
      inputSchema: objectSchema(tool.inputSchema, dialect),
    })),
    rename: sentName,
    restore: (sent) => names.get(sent) ?? sent,
  };
}

function sentName(name: string): string {
  if (NAME.test(name)) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  const plain = name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 50);
  return `${/^[a-zA-Z_]/.test(plain) ? '' : '_'}${plain}_${hash}`;
}
