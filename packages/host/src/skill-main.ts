/*
 * Looks after installed skills: a program of its own, run by the command line. Its first line of standard input is a
 * `SkillOrder`; it answers with lines of `SkillLine`, and waits for `yes` or anything else after a report.
 */
import { createInterface } from 'node:readline';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { type SkillLine, SkillOrder } from '@openlegion/contract/skill-lock';
import { installSkill, removeSkill } from './skills/install-skill.ts';
import { checkInstalled } from './skills/installed-skill.ts';
import { readSkillLock } from './skills/skill-lock-file.ts';

const say = (line: SkillLine) => void process.stdout.write(`${JSON.stringify(line)}\n`);

async function follow(order: SkillOrder, confirm: () => Promise<boolean>): Promise<void> {
  switch (order.do) {
    case 'install': {
      say({ type: 'progress', text: 'Fetching' });
      const { name, state } = await installSkill(order, {
        environment: process.env,
        now: () => new Date(),
        confirm(report) {
          say({ type: 'report', report });
          return confirm();
        },
      });
      return say({ type: 'installed', name, state });
    }
    case 'remove':
      await removeSkill(order.home, order.name);
      return say({ type: 'removed', name: order.name });
    case 'list': {
      const installed = Object.entries(readSkillLock(order.home).skills);
      const checked = installed.map(
        async ([name, locked]) => (await checkInstalled(order.home, name, locked)).state,
      );
      return say({ type: 'list', skills: await Promise.all(checked) });
    }
  }
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = async (): Promise<string> => {
  const { done, value } = await lines.next();
  return done ? '' : value;
};
try {
  await follow(SkillOrder.parse(JSON.parse(await next())), async () => (await next()) === 'yes');
} catch (error) {
  if (!(error instanceof OpenLegionError)) throw error;
  say({ type: 'failed', rule: error.rule, message: error.message, remedy: error.remedy });
  process.exitCode = 1;
} finally {
  process.stdin.destroy();
}
