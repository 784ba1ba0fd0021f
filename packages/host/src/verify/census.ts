import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Guarantee } from '@openlegion/contract/control-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { createSecretSearch } from '@openlegion/contract/secret-forms';
import { CensusFindings, type CensusRequest } from './census-protocol.ts';
import { judgeAnswers, judgeFiles, judgeMemories } from './judge-census.ts';

export interface CensusOptions {
  canaryPrefix: string;
  /** Databases (not the keeper's), logs and configuration: files, or directories with all that is in them. */
  paths: string[];
  /** Must not have a credential in memory: host, CLI, supervisor, channels. */
  clean: { name: string; pid: number }[];
  /** Must have them, or the search of memory proves nothing; null where its pid is not known. */
  keeper: { pid: number } | null;
  /** Answers of the control API, as text. */
  answers: { name: string; text: string }[];
  signal?: AbortSignal;
}

/**
 * Where planted credentials are outside of the keeper: nowhere. The search runs in a process of its own, so that
 * nothing that it reads reaches this one. Throws when that process fails.
 */
export async function runCensus(options: CensusOptions): Promise<Guarantee[]> {
  const { canaryPrefix, paths, clean, keeper, answers } = options;
  const processes = [...clean, ...(keeper ? [{ name: 'keeper', pid: keeper.pid }] : [])];
  const findings = await search({ prefix: canaryPrefix, paths, processes }, options.signal);
  const find = createSecretSearch(canaryPrefix);
  return [
    judgeFiles(findings, paths),
    judgeMemories(findings, clean, keeper),
    judgeAnswers(
      answers.map(({ name, text: body }) => ({
        name,
        bytes: body.length,
        hits: find(Buffer.from(body)).length,
      })),
    ),
  ];
}

async function search(request: CensusRequest, signal?: AbortSignal): Promise<CensusFindings> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./census-program.ts', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {},
    ...(signal && { signal }),
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  child.stdin.on('error', () => {});
  child.stdin.end(JSON.stringify(request));
  const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) {
    throw new OpenLegionError(
      {
        code: 'internal',
        rule: 'verify.census',
        message: 'The search for planted credentials failed.',
        remedy: 'Run "./openlegion verify" again; data/logs/host.log says more.',
      },
      { cause: errors.slice(-2000) },
    );
  }
  return CensusFindings.parse(JSON.parse(output));
}
