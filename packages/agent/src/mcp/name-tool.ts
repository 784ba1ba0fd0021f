import { createHash } from 'node:crypto';

/** What every provider takes as the name of a function. */
const NAME_CHARS = 64;

/**
 * `mcp_{server}_{tool}`, always: a name that depended on what else there is would be granted as one thing and become
 * another. What no provider takes in a name becomes `_`; where that or a cut changed it, digits of a hash of what the
 * server said stand at its end, so that no two tools of a server share a name. Null for a tool whose name would be
 * one of another server's: with servers `a` and `a_b`, no tool of `a` is called `b_…`.
 */
export function nameMcpTool(server: string, tool: string, servers: readonly string[]): string | null {
  const asked = `mcp_${server}_${tool}`;
  const fit = asked.replaceAll(/[^A-Za-z0-9_-]/g, '_');
  const name =
    fit === asked && fit.length <= NAME_CHARS ? fit : `${fit.slice(0, NAME_CHARS - 7)}_${hash(server, tool)}`;
  const others = servers.filter((other) => other !== server && other.startsWith(`${server}_`));
  return others.some((other) => name.startsWith(`mcp_${other}_`)) ? null : name;
}

function hash(server: string, tool: string): string {
  return createHash('sha256').update(`${server}\0${tool}`).digest('hex').slice(0, 6);
}
