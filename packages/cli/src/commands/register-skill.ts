import type { Command } from 'commander';
import type { RunCommand } from '../command-context.ts';

/** `openlegion skill …` */
export function registerSkill(program: Command, run: RunCommand): void {
  const skill = program
    .command('skill')
    .description('tools and instructions of others that agents are given');
  skill
    .command('install <source>')
    .description(
      'install a skill, or approve what changed: the https address of a git repository, or a folder',
    )
    .option(
      '--ref <ref>',
      'a branch, a tag or a full commit (default: the default branch); the commit is pinned',
    )
    .option('--path <folder>', 'the folder of the repository that holds the skill')
    .option('--name <name>', 'what it is called here')
    .option(
      '--agent <name>',
      'an agent that is given it; may be repeated',
      (name: string, before: string[] = []) => [...before, name],
    )
    .option('--yes', 'agree to what is shown')
    .action((source, options) =>
      run(async (context) => {
        const { skillInstall } = await import('./skill.ts');
        return skillInstall(context, source, options);
      }),
    );
  skill
    .command('list')
    .description('show what is installed, for whom, and whether it is as it was approved')
    .option('--json', 'as JSON')
    .action((options) =>
      run(async (context) => {
        const { skillList } = await import('./skill.ts');
        return skillList(context, { json: options.json === true });
      }),
    );
  skill
    .command('remove <name>')
    .description('take a skill from every agent and from disk')
    .action((name) =>
      run(async (context) => {
        const { skillRemove } = await import('./skill.ts');
        return skillRemove(context, name);
      }),
    );
  skill
    .command('verify')
    .description('compare every file with what was approved; exit code 1 when anything differs')
    .option('--json', 'as JSON')
    .action((options) =>
      run(async (context) => {
        const { skillVerify } = await import('./skill.ts');
        return skillVerify(context, { json: options.json === true });
      }),
    );
}
