import { EngineError } from './engine-error.ts';

const TRIES = 6;
const PAUSE_MS = 100;

/**
 * Removes a container until the engine no longer knows it. An engine refuses while another removal is under way (409)
 * and Podman while the container is just ending (500): both pass. The last refusal is thrown.
 */
export async function removeUntilGone(remove: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await remove();
      return;
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (error.status === 404) return;
      if (tries === TRIES || (error.status !== 409 && error.status !== 500)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
