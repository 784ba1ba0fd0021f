import { WorkspacePath } from '@openlegion/contract/agent-api';

/**
 * Why a path is not taken from a skill; null when it is. Refused is whatever could be another file than it looks:
 * traversal, special and invisible characters, names that a file system folds or git would look into.
 */
export function skillPathProblem(path: string): string | null {
  if (!WorkspacePath.safeParse(path).success)
    return 'paths have at most 8 parts of letters, digits and _ . @ + - or spaces';
  if (/\p{Default_Ignorable_Code_Point}/u.test(path)) return 'it has characters that cannot be seen';
  if (path.normalize('NFKC') !== path) return 'it is written in a form that another path could be taken for';
  for (const part of path.split('/')) {
    if (/^(?:\.git|git~\d+)$/i.test(part)) return 'git would look into it';
    if (part.endsWith('.')) return 'a part ends with a dot, which some file systems leave out';
    if (part === '__proto__') return 'it is a name that programs trip over';
    if (part === 'node_modules') return 'packages are not taken along: bundle what is needed into one file';
  }
  return null;
}

/** Two paths that a file system which folds case takes for one, or a file that would be a folder as well; or null. */
export function collidingPaths(paths: Iterable<string>): [string, string] | null {
  const seen = new Map<string, string>();
  const folders = new Map<string, string>();
  for (const path of paths) {
    const folded = fold(path);
    const other = seen.get(folded) ?? folders.get(folded);
    if (other !== undefined) return [other, path];
    seen.set(folded, path);
    const parts = path.split('/');
    for (let depth = 1; depth < parts.length; depth += 1) {
      const folder = parts.slice(0, depth).join('/');
      const key = fold(folder);
      const file = seen.get(key);
      if (file !== undefined) return [file, path];
      const before = folders.get(key);
      if (before !== undefined && before !== folder) return [before, path];
      folders.set(key, folder);
    }
  }
  return null;
}

function fold(path: string): string {
  return path.normalize('NFKC').toUpperCase().toLowerCase();
}
