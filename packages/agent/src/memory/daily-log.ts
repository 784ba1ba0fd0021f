import type { Workspace } from '../workspace/create-workspace.ts';
import { ifMissing } from '../workspace/if-missing.ts';
import { removeFile } from '../workspace/remove-file.ts';

const DAYS = 60;
const DAY_BYTES = 64 * 1024;
const SAID_CHARS = 160;

/** Adds a line to the log of the day. */
export type WriteLog = (entry: {
  from: string;
  text: string;
  status: string;
  answer: string;
}) => Promise<void>;

/**
 * `logs/2026-11-21.md`, a line for each message: who asked, what, and how it ended. At most 64 KiB a day, after which
 * the day's log says no more, and 60 days. `now` is ISO 8601.
 */
export function createDailyLog(root: string, workspace: Workspace, now: () => string): WriteLog {
  return async ({ from, text, status, answer }) => {
    const at = now();
    const file = `logs/${at.slice(0, 10)}.md`;
    const before = (await workspace.read(file).catch(ifMissing)) ?? Buffer.from(`# ${at.slice(0, 10)}\n\n`);
    if (before.length > DAY_BYTES) return;
    const line = `- ${at.slice(11, 16)} ${short(from)}: ${short(text)} → ${status}: ${short(answer) || '(no answer)'}\n`;
    await workspace.write(file, Buffer.concat([before, Buffer.from(line)]));
    const logs = (await workspace.stamps()).filter(({ path }) => /^logs\/\d{4}-\d{2}-\d{2}\.md$/.test(path));
    const old = logs
      .map(({ path }) => path)
      .sort()
      .slice(0, -DAYS);
    for (const path of old) await removeFile(root, path);
  };
}

function short(text: string): string {
  const line = text.replaceAll(/\s+/gu, ' ').trim();
  return line.length <= SAID_CHARS ? line : `${line.slice(0, SAID_CHARS)}…`;
}
