import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

/**
 * A program of `container/` for `node --input-type=module -e`. Bundled in another process: what the bundler takes of
 * memory must not be there when this one's is measured.
 */
export async function benchAgentCode(entry = 'bench-agent.ts'): Promise<string> {
  const program = resolve(import.meta.dirname, 'print-bench-agent.ts');
  const options = { maxBuffer: 16 * 1024 * 1024 };
  return (await promisify(execFile)(process.execPath, [program, entry], options)).stdout;
}
