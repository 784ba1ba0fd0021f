import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

/**
 * The program of `container/bench-agent.ts` for `node --input-type=module -e`. Bundled in another process: what
 * the bundler takes of memory must not be there when this one's is measured.
 */
export async function benchAgentCode(): Promise<string> {
  const program = resolve(import.meta.dirname, 'print-bench-agent.ts');
  return (await promisify(execFile)(process.execPath, [program])).stdout;
}
