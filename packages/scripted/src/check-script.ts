import { readFileSync } from 'node:fs';
import { parseScript } from './parse-script.ts';
import { scriptProblemText } from './script-problem.ts';

/* `node check-script.ts FILE…`: says of each script whether it can be played; exit code 1 when one cannot. */

const files = process.argv.slice(2);
if (files.length === 0) {
  process.stderr.write('Usage: check-script FILE…\n');
  process.exitCode = 2;
}
for (const file of files) {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    process.stderr.write(`${file}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
    continue;
  }
  const parsed = parseScript(text, file);
  if (parsed.ok) {
    process.stdout.write(`${file}: ${parsed.script.rules.length} rules\n`);
  } else {
    process.stderr.write(`${scriptProblemText(parsed.problem)}\n`);
    process.exitCode = 1;
  }
}
