import { TaskStatus } from '@openlegion/contract/task';
import { type Command, Option } from 'commander';
import type { RunCommand } from '../command-context.ts';
import type { BlackboardOptions } from './blackboard.ts';

/** `openlegion blackboard …`, `openlegion tasks …` and `openlegion events …` */
export function registerCoordination(program: Command, run: RunCommand): void {
  registerBlackboard(program, run);

  const tasks = program.command('tasks').description('what agents have handed on');
  const loadTasks = () => import('./tasks.ts');
  tasks
    .command('list')
    .description('show tasks, the newest first')
    .option('--agent <name>', 'those given to an agent, or handed on by it')
    .addOption(new Option('--status <status>', 'in this status alone').choices(TaskStatus.options))
    .option('--open', 'those that are not finished')
    .option('--before <ordinal>', 'older than the last page')
    .option('--json', 'as JSON')
    .action((options) => run(async (context) => (await loadTasks()).tasksList(context, options)));
  tasks
    .command('show <task>')
    .description('show one whole: what was asked, every move, what came of it')
    .option('--json', 'as JSON')
    .action((id, options) => run(async (context) => (await loadTasks()).tasksShow(context, id, options)));
  tasks
    .command('cancel <task>')
    .description('call it off: it is taken from its agent, and whoever handed it on is told')
    .option('--note <text>', 'why')
    .option('--json', 'as JSON')
    .action((id, options) => run(async (context) => (await loadTasks()).tasksCancel(context, id, options)));

  const events = program.command('events').description('topics, and events that could not be delivered');
  const loadEvents = () => import('./events.ts');
  events
    .command('topics')
    .description('show who is subscribed to what')
    .option('--json', 'as JSON')
    .action((options) =>
      run(async (context) => (await loadEvents()).eventsTopics(context, options.json === true)),
    );
  events
    .command('list')
    .description('show events that could not be delivered, and why')
    .option('--after <id>', 'those behind the last page')
    .option('--json', 'as JSON')
    .action((options) => run(async (context) => (await loadEvents()).eventsList(context, options)));
  for (const how of ['replay', 'discard'] as const)
    events
      .command(`${how} <id>`)
      .description(how === 'replay' ? 'deliver one again' : 'give one up for good')
      .action((id) => run(async (context) => (await loadEvents()).eventsSettle(context, id, how)));
}

function registerBlackboard(program: Command, run: RunCommand): void {
  const board = program.command('blackboard').description('the state that agents share');
  type Work = (
    blackboard: typeof import('./blackboard.ts'),
    place: ReturnType<typeof import('./blackboard.ts').blackboardPlace>,
  ) => Promise<number>;
  const act = (options: BlackboardOptions, work: Work) =>
    run(async (context) => {
      const blackboard = await import('./blackboard.ts');
      return work(blackboard, blackboard.blackboardPlace(context, options));
    });
  const command = (name: string, description: string) =>
    board
      .command(name)
      .description(description)
      .option('--team <name>', "a team's (without: that of agents without a team)")
      .option('--json', 'as JSON');
  const IF_VERSION = [
    '--if-version <n>',
    'only if that version is current; 0: only if there is none',
  ] as const;

  command('list [prefix]', 'show the keys')
    .option('--after <key>', 'those behind the last page')
    .action((prefix, options) =>
      act(options, (blackboard, place) => blackboard.blackboardList(place, prefix)),
    );
  command('get <key>', 'show an entry').action((key, options) =>
    act(options, (blackboard, place) => blackboard.blackboardGet(place, key)),
  );
  command('set <key> <value>', 'write an entry: JSON, @FILE, or plain words')
    .option(...IF_VERSION)
    .option('--ttl <seconds>', 'let it expire')
    .action((key, value, options) =>
      act(options, (blackboard, place) => blackboard.blackboardSet(place, key, value)),
    );
  command('del <key>', 'delete an entry; its history stays for a day')
    .option(...IF_VERSION)
    .action((key, options) => act(options, (blackboard, place) => blackboard.blackboardDelete(place, key)));
  command('history <key>', 'show the versions that are kept, the newest first').action((key, options) =>
    act(options, (blackboard, place) => blackboard.blackboardHistory(place, key)),
  );
  command('undo <key>', 'make an earlier version current again, by default the last but one')
    .option('--to <version>', 'that version; 0: as it was before the first')
    .action((key, options) => act(options, (blackboard, place) => blackboard.blackboardUndo(place, key)));
  command('watch [prefix]', 'show changes as they are made').action((prefix, options) =>
    act(options, (blackboard, place) => blackboard.blackboardWatch(place, prefix)),
  );
}
