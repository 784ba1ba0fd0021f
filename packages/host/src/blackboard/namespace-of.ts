/** Where agents without a team, and they alone, meet. */
export const FLEET_NAMESPACE = 'fleet';

/**
 * The namespace of an agent's keys and topics. Nothing in a request can name another one: that is the wall between
 * teams.
 */
export function namespaceOf({ team }: { team?: string | undefined }): string {
  return team === undefined ? FLEET_NAMESPACE : `team/${team}`;
}
