import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { configPaths } from '@openlegion/contract/installation';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { SkillLock } from '@openlegion/contract/skill-lock';

/** `config/skills.lock.json`; one that is not there approves nothing. Throws `bad_request` for one that cannot be read. */
export function readSkillLock(home: string): SkillLock {
  const { skillsLock } = configPaths(home);
  let text: string;
  try {
    text = readFileSync(skillsLock, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      return { version: 1, skills: {} };
    throw unreadable(error);
  }
  try {
    return SkillLock.parse(JSON.parse(text));
  } catch (cause) {
    throw unreadable(cause);
  }
}

/** Replaces the file in one step. */
export function writeSkillLock(home: string, lock: SkillLock): void {
  const { skillsLock } = configPaths(home);
  const next = `${skillsLock}.${randomUUID()}`;
  const file = openSync(next, 'wx', 0o644);
  try {
    writeSync(file, `${JSON.stringify(lock, null, 2)}\n`);
    fsyncSync(file);
    closeSync(file);
    renameSync(next, skillsLock);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  }
}

function unreadable(cause: unknown): OpenLegionError {
  return new OpenLegionError(
    {
      code: 'bad_request',
      rule: 'skills.lock',
      message: 'config/skills.lock.json cannot be read, so no installed skill counts as approved.',
      remedy:
        'Take it from your backup, or remove it and install the skills again: ./openlegion skill install.',
    },
    { cause },
  );
}
