/** `EPERM` and the like; `ok` where there was no error is the caller's to say. */
export function errorCode(error: unknown): string {
  if (error instanceof Error && 'code' in error) return String(error.code);
  return String(error).slice(0, 100);
}

/** What `work` gives, or its error's code. */
export function attempt<T>(work: () => T): T | string {
  try {
    return work();
  } catch (error) {
    return errorCode(error);
  }
}
