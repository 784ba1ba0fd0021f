/** Gives up root for good. Throws when afterwards anything of it is left. */
export function becomeUser(uid: number): void {
  process.setgroups?.([]);
  process.setgid?.(uid);
  process.setuid?.(uid);
  const groups = (process.getgroups?.() ?? []).filter((group) => group !== uid);
  if (
    process.getuid?.() !== uid ||
    process.geteuid?.() !== uid ||
    process.getgid?.() !== uid ||
    groups.length > 0
  )
    throw new Error('privileges were not given up');
  let regained = false;
  try {
    process.setuid?.(0);
    regained = true;
  } catch {
    // As it must be.
  }
  if (regained) throw new Error('root could be regained');
}
