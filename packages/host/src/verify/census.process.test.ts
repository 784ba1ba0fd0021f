import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { runCensus } from './census.ts';
import { judgeAnswers, judgeFiles, judgeMemories } from './judge-census.ts';

const PREFIX = 'CENSUS0123456789';
const SECRET = `${PREFIX}abcdefghijklmnopqrstuvwx`;
let directory: string;
let holder: ChildProcess;
let clean: ChildProcess;

/** Puts what it reads into its heap and waits: the keeper's place in the search. */
const HOLD = `let kept; process.stdin.once('data', (bytes) => { kept = bytes.toString() + '!'; console.log(kept.length); });`;

before(async () => {
  directory = await mkdtemp(`${tmpdir()}/openlegion-census-`);
  [holder, clean] = [SECRET, 'nothing'].map((held) => {
    const child = spawn(process.execPath, ['-e', HOLD], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.write(held);
    return child;
  }) as [ChildProcess, ChildProcess];
  for (const child of [holder, clean]) if (child.stdout) await once(child.stdout, 'data');
});

after(async () => {
  holder.kill();
  clean.kill();
  await rm(directory, { recursive: true });
});

test('finds what is in files and memory, and only there', async () => {
  await writeFile(`${directory}/mesh.db`, 'nothing');
  await writeFile(`${directory}/mesh.db-wal`, Buffer.from(`x${SECRET}`).toString('base64'));
  const options = {
    canaryPrefix: PREFIX,
    paths: [`${directory}/mesh.db`],
    clean: [{ name: 'cli', pid: clean.pid ?? 0 }],
    keeper: { pid: holder.pid ?? 0 },
    answers: [{ name: 'GET /api/status', text: `{"prefix":"${PREFIX}"}` }],
  };
  const [files, memory, answers] = await runCensus(options);
  assert.equal(files?.verdict, 'broken');
  assert.match(files?.evidence ?? '', /mesh\.db-wal \(base64\)/);
  assert.ok(!files?.evidence.includes(SECRET));
  assert.equal(answers?.verdict, 'holds');
  const mayReadMemory = process.getuid?.() === 0;
  assert.equal(memory?.verdict, mayReadMemory ? 'holds' : 'cannot_be_given', memory?.evidence);
  if (!mayReadMemory) return;
  const swapped = {
    ...options,
    clean: [{ name: 'cli', pid: holder.pid ?? 0 }],
    keeper: { pid: clean.pid ?? 0 },
  };
  assert.equal((await runCensus(swapped))[1]?.verdict, 'broken');
});

const NOTHING = { hits: [], paths: [{ path: '/x', files: 1, bytes: 10 }], processes: [], unreadable: [] };
const seen = (name: string, pid: number, hits: number, bytes = 1000) => ({ name, pid, hits, bytes });

test('files hold only when all were read and nothing was found', () => {
  assert.equal(judgeFiles(NOTHING, ['/x']).verdict, 'holds');
  assert.equal(judgeFiles({ ...NOTHING, hits: [{ place: '/x', form: 'raw' }] }, ['/x']).verdict, 'broken');
  assert.equal(
    judgeFiles({ ...NOTHING, unreadable: [{ place: '/x', why: 'EACCES' }] }, ['/x']).verdict,
    'broken',
  );
  assert.equal(judgeFiles({ ...NOTHING, paths: [] }, []).verdict, 'broken');
});

test('memory holds only against a keeper in which they were found', () => {
  const clean = [{ name: 'host', pid: 1 }];
  const judge = (...processes: ReturnType<typeof seen>[]) =>
    judgeMemories({ ...NOTHING, processes }, clean, { pid: 2 }).verdict;
  assert.equal(judge(seen('host', 1, 0), seen('keeper', 2, 20)), 'holds');
  assert.equal(judge(seen('host', 1, 1), seen('keeper', 2, 20)), 'broken');
  assert.equal(judge(seen('host', 1, 1), seen('keeper', 2, 0, 0)), 'broken');
  assert.equal(judge(seen('host', 1, 0), seen('keeper', 2, 0)), 'broken');
  assert.equal(judge(seen('host', 1, 0, 0), seen('keeper', 2, 20)), 'cannot_be_given');
  assert.equal(judge(seen('host', 1, 0)), 'cannot_be_given');
  assert.equal(
    judgeMemories({ ...NOTHING, processes: [seen('host', 1, 0)] }, clean, null).verdict,
    'cannot_be_given',
  );
});

test('answers hold only when there were some and nothing was found', () => {
  assert.equal(judgeAnswers([{ name: 'GET /', bytes: 3, hits: 0 }]).verdict, 'holds');
  assert.equal(judgeAnswers([{ name: 'GET /', bytes: 3, hits: 1 }]).verdict, 'broken');
  assert.equal(judgeAnswers([]).verdict, 'broken');
});
