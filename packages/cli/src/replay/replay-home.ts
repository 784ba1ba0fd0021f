import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { AgentsConfig } from '@openlegion/contract/agents-config';
import { configPaths } from '@openlegion/contract/installation';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { PermissionsConfig } from '@openlegion/contract/permissions-config';
import type { Recording } from '@openlegion/contract/recording';
import { parse, parseDocument } from 'yaml';
import { recordingScript } from './recording-script.ts';

/**
 * Makes an installation at `to` that is the one at `from` as it is configured now, but: every agent's model is a script
 * of what it answered in the recording, nothing outside can be reached, no credential is granted, and its volumes and
 * shared state are empty. Throws `not_found` for an agent that is no longer there.
 */
export function writeReplayHome(from: string, to: string, recording: Recording): void {
  const [ours, theirs] = [configPaths(from), configPaths(to)];
  mkdirSync(theirs.scripts, { recursive: true, mode: 0o700 });
  cpSync(ours.directory, theirs.directory, { recursive: true });
  const { agents } = AgentsConfig.parse(parse(readFileSync(ours.agents, 'utf8')));
  const missing = recording.messages.find(({ agent }) => !(agent in agents));
  if (missing) throw gone(missing.agent);

  const document = parseDocument(readFileSync(ours.agents, 'utf8'));
  for (const [name, { skills_dir: skills }] of Object.entries(agents)) {
    document.setIn(['agents', name, 'model'], `scripted/${scriptOf(name)}`);
    writeFileSync(
      join(theirs.scripts, `${scriptOf(name)}.yaml`),
      JSON.stringify(recordingScript(recording, name)),
    );
    if (skills !== undefined) copyInside(from, to, skills);
  }
  writeFileSync(theirs.agents, document.toString());

  const mesh = parseDocument(readFileSync(ours.mesh, 'utf8'));
  mesh.setIn(['llm', 'default_model'], 'scripted/replay');
  for (const path of [
    ['llm', 'failover'],
    ['llm', 'embedding_model'],
    ['llm', 'providers'],
    ['egress', 'extra_roots'],
    ['telemetry', 'otlp_endpoint'],
    ['mesh', 'port'],
  ])
    if (mesh.hasIn(path)) mesh.deleteIn(path);
  // Nobody is there to answer: a question ends as one that nobody answered.
  mesh.setIn(['approvals', 'timeout'], '5s');
  writeFileSync(theirs.mesh, mesh.toString());

  const { permissions } = PermissionsConfig.parse(JSON.parse(readFileSync(ours.permissions, 'utf8')));
  for (const record of Object.values(permissions))
    Object.assign(record, { allowed_domains: [], allowed_credentials: [] });
  writeFileSync(theirs.permissions, JSON.stringify({ permissions }, null, 2));
  for (const file of ['PROJECT.md'])
    if (existsSync(join(from, file))) cpSync(join(from, file), join(to, file));
}

/** A folder below the home; one elsewhere is read where it is. */
function copyInside(from: string, to: string, folder: string): void {
  const source = resolve(from, folder);
  if (!source.startsWith(from + sep) || !existsSync(source)) return;
  const target = join(to, source.slice(from.length));
  mkdirSync(dirname(target), { recursive: true });
  cpSync(source, target, { recursive: true });
}

function scriptOf(agent: string): string {
  return `replay-${agent}`.slice(0, 63);
}

function gone(agent: string): OpenLegionError {
  return new OpenLegionError({
    code: 'not_found',
    rule: 'cli.replay.agent',
    message: `${agent} took part in the recording and is no longer in config/agents.yaml.`,
    remedy: 'Add it again, or replay the part of another agent alone with --agent.',
  });
}
