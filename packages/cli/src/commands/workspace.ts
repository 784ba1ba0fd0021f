import { WorkspaceListing, WorkspacePath } from '@openlegion/contract/agent-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { CommandContext } from '../command-context.ts';
import { createControlClient } from '../control/control-client.ts';
import { oneLine, safeText } from '../terminal/safe-text.ts';
import { formatTable } from '../terminal/table.ts';

/** The agent takes no larger file. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** A container may have to be started first. */
const TIMEOUT_MS = 90_000;

export async function workspaceList(
  { home, terminal }: CommandContext,
  agent: string,
  json: boolean,
): Promise<number> {
  const path = pathOf(agent);
  const listing = await createControlClient(home).json(WorkspaceListing, {
    ...{ method: 'GET', path, timeoutMs: TIMEOUT_MS },
  });
  if (json) terminal.line(JSON.stringify(listing));
  else if (listing.files.length === 0) terminal.line(`The workspace of ${agent} is empty.`);
  else terminal.line(formatTable(listing.files.map(({ path, bytes }) => [safeText(path), `${bytes} bytes`])));
  return 0;
}

/** The file as it is; what a person looks at in a terminal is made safe for it. */
export async function workspaceGet(
  { home, terminal }: CommandContext,
  agent: string,
  file: string,
): Promise<number> {
  const path = pathOf(agent, file);
  const bytes = await createControlClient(home).bytes({ method: 'GET', path, timeoutMs: TIMEOUT_MS });
  terminal.output.write(terminal.output.isTTY ? safeText(bytes.toString()) : bytes);
  return 0;
}

/** Replaces the file by what standard input holds. */
export async function workspacePut(
  { home, terminal }: CommandContext,
  agent: string,
  file: string,
): Promise<number> {
  if (terminal.input.isTTY)
    throw refused(
      'input',
      'The content comes from standard input.',
      `Use ./openlegion workspace put ${agent} ${file} < FILE.`,
    );
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of terminal.input) {
    const piece = Buffer.from(chunk);
    size += piece.length;
    if (size > MAX_FILE_BYTES)
      throw refused('size', 'A file of a workspace has at most 16 MiB.', 'Put less there.');
    chunks.push(piece);
  }
  const body = { bytes: Buffer.concat(chunks), timeoutMs: TIMEOUT_MS };
  await createControlClient(home).bytes({ method: 'PUT', path: pathOf(agent, file), ...body });
  terminal.line(`${file} of ${agent}: ${size} bytes.`);
  return 0;
}

function pathOf(agent: string, file?: string): string {
  const listing = `/api/agents/${encodeURIComponent(agent)}/workspace`;
  if (file === undefined) return listing;
  // Here already: what leads upwards would not reach the host as it was written.
  if (!WorkspacePath.safeParse(file).success)
    throw refused('path', `${oneLine(file, 100)} is not the path of a workspace file.`, RELATIVE);
  return `${listing}/${file.split('/').map(encodeURIComponent).join('/')}`;
}

const RELATIVE = 'Use a relative path of plain names, such as notes/today.md.';

function refused(what: 'input' | 'size' | 'path', message: string, remedy: string): OpenLegionError {
  const code = what === 'size' ? 'too_large' : 'bad_request';
  return new OpenLegionError({ code, rule: `cli.workspace.${what}`, message, remedy });
}
