import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { SkillLine, type SkillOrder, type SkillReport } from '@openlegion/contract/skill-lock';
import { PROGRAMS } from '../programs.ts';

const PASSED_ON = ['PATH', 'TMPDIR', 'http_proxy', 'https_proxy', 'no_proxy', 'HTTPS_PROXY', 'NO_PROXY'];

/**
 * Has the program that looks after skills follow one order, and gives back its last word. It is given nothing of the
 * environment but where programs and proxies are. Throws what it refuses.
 */
export async function runSkillProgram(
  order: SkillOrder,
  options: {
    environment: NodeJS.ProcessEnv;
    confirm?: (report: SkillReport) => Promise<boolean>;
    program?: string;
  },
): Promise<SkillLine> {
  const { environment, confirm, program = PROGRAMS.skills } = options;
  const clean = PASSED_ON.flatMap((name) =>
    environment[name] === undefined ? [] : [[name, environment[name]]],
  );
  const child = spawn(process.execPath, [program], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: Object.fromEntries(clean),
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  child.stdin.on('error', () => {});
  child.stdin.write(`${JSON.stringify(order)}\n`);
  let last: SkillLine | null = null;
  for await (const line of createInterface({ input: child.stdout })) {
    last = SkillLine.parse(JSON.parse(line));
    if (last.type === 'report') child.stdin.write((await confirm?.(last.report)) ? 'yes\n' : 'no\n');
  }
  const code = await ended;
  if (last?.type === 'failed')
    throw new OpenLegionError({
      code: 'bad_request',
      rule: last.rule,
      message: last.message,
      remedy: last.remedy,
    });
  if (last !== null && code === 0) return last;
  throw new OpenLegionError({
    code: 'internal',
    rule: 'cli.skills',
    message: `The program that looks after skills ended with code ${code ?? 'unknown'}.`,
    remedy: 'Please report this with the text above.',
  });
}
