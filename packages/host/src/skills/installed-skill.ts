import { configPaths } from '@openlegion/contract/installation';
import type { LockedSkill, SkillState } from '@openlegion/contract/skill-lock';
import { compareFiles, hashFiles, hashSkill, type SkillTree } from './hash-skill.ts';
import { readSkillTree } from './read-skill-tree.ts';

export function skillDirectory(home: string, name: string): string {
  return `${configPaths(home).skills}/${name}`;
}

/** An installed skill as it is on disk, and how it differs from what was approved. `tree` is null where it does. */
export async function checkInstalled(
  home: string,
  name: string,
  locked: LockedSkill,
): Promise<{ state: SkillState; tree: SkillTree | null }> {
  const { source, commit, hash, agents, approvedAt } = locked;
  const state: SkillState = {
    name,
    source,
    commit,
    hash,
    agents,
    approvedAt,
    problem: null,
    changes: { added: [], changed: [], removed: [] },
  };
  // The lock itself must hold together: its list of files is what the hash was shown for.
  if (hashSkill(locked.files) !== hash)
    return { state: { ...state, problem: 'its record in the lock was changed by hand' }, tree: null };
  const read = await readSkillTree(skillDirectory(home, name), 'take');
  if (!read.ok) return { state: { ...state, problem: read.problem }, tree: null };
  const changes = compareFiles(locked.files, hashFiles(read.tree));
  const count = changes.added.length + changes.changed.length + changes.removed.length;
  if (count === 0) return { state, tree: read.tree };
  return { state: { ...state, problem: 'it was changed since it was approved', changes }, tree: null };
}
