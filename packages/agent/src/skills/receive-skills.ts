import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import type { ServerHttp2Stream } from 'node:http2';
import { dirname } from 'node:path';
import { SkillFiles } from '@openlegion/contract/agent-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { readJson } from '../api/read-body.ts';

const BODY_BYTES = 16 * 1024 * 1024;

/**
 * Takes what the operator gives: all of it replaces all that was there, in one step. Throws `bad_request` for what is
 * no `SkillFiles`; what cannot be written leaves what was there before.
 */
export async function receiveSkills(stream: ServerHttp2Stream, directory: string): Promise<void> {
  const parsed = SkillFiles.safeParse(await readJson(stream, BODY_BYTES));
  if (!parsed.success)
    throw new OpenLegionError({
      code: 'bad_request',
      rule: 'agent.skills',
      message: 'The files of the skills are missing or wrong.',
      remedy: 'The host and the agent image may be of different versions: rebuild the image.',
    });
  const next = `${directory}/operator.${randomUUID()}`;
  try {
    await mkdir(next, { recursive: true });
    for (const { path, base64 } of parsed.data.files) {
      await mkdir(dirname(`${next}/${path}`), { recursive: true });
      await writeFile(`${next}/${path}`, Buffer.from(base64, 'base64'), { flag: 'wx', mode: 0o644 });
    }
    await replace(`${directory}/operator`, next);
  } finally {
    await rm(next, { recursive: true, force: true });
  }
}

async function replace(place: string, next: string): Promise<void> {
  const old = `${next}.old`;
  if (existsSync(place)) await rename(place, old);
  await rename(next, place);
  await rm(old, { recursive: true, force: true });
}
