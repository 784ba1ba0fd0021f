const CLOSE_MS = 5000;

/** A driver ends what it started by force when asked to for long enough; nobody waits for more than this. */
export async function closeWithin(close: () => Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, CLOSE_MS);
  await Promise.race([close().catch(() => {}), late.promise]);
  clearTimeout(timer);
}
