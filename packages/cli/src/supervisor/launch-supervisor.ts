import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { PROGRAMS } from '../programs.ts';
import { SupervisorReport, type SupervisorSettings } from './supervisor-settings.ts';

export interface LaunchedSupervisor {
  pid: number;
  port: number;
  run: string;
  /** Resolves when the supervisor ends. */
  exited: Promise<void>;
  /** Asks it to stop everything, and waits. */
  stop(): Promise<void>;
}

export type LaunchResult =
  | { started: true; supervisor: LaunchedSupervisor }
  | { started: false; message: string; remedy: string };

/**
 * Starts the supervisor and waits for its word. With `settings.lifeline` it ends with this process; without, it is
 * detached and this process may end. `onPart` is told which part is being started, `onNote` what a
 * person should know.
 */
export async function launchSupervisor(
  settings: SupervisorSettings,
  onPart: (part: string) => void,
  onNote: (text: string) => void,
): Promise<LaunchResult> {
  const child = spawn(
    process.execPath,
    ['--disable-sigusr1', PROGRAMS.supervisor, '--config-json', JSON.stringify(settings)],
    // Its own session: Ctrl-C and a closed terminal reach this process, which decides.
    { detached: true, cwd: '/', stdio: [settings.lifeline ? 'pipe' : 'ignore', 'ignore', 'pipe', 'pipe'] },
  );
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  let errors = '';
  child.stderr?.setEncoding('utf8');
  child.stderr?.on('data', (text: string) => {
    errors = (errors + text).slice(-4000);
  });
  child.stdin?.on('error', () => {});
  const channel = child.stdio[3];
  if (!(channel instanceof Readable)) throw new Error('the supervisor was started without fd 3');

  for await (const line of createInterface({ input: channel })) {
    const { data: report } = SupervisorReport.safeParse(parseJson(line));
    if (report?.type === 'starting') onPart(report.part);
    if (report?.type === 'note') onNote(report.text);
    if (report?.type === 'failed') {
      await exited;
      return { started: false, message: report.message, remedy: report.remedy };
    }
    if (report?.type !== 'ready') continue;
    // Nothing of the child may keep this process alive, nor end the child with it when detached.
    child.unref();
    for (const stream of [child.stderr, child.stdin])
      if (stream && 'unref' in stream) (stream.unref as () => void)();
    const stop = async () => {
      // It was let go so that this process may end; now this process waits for it.
      child.ref();
      child.kill('SIGTERM');
      await exited;
    };
    const { pid, port, run } = report;
    return { started: true, supervisor: { pid, port, run, exited, stop } };
  }
  await exited;
  return {
    started: false,
    message: `The supervisor ended before it was ready.${errors ? `\n${errors}` : ''}`,
    remedy: 'data/logs/supervisor.log may say more.',
  };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
