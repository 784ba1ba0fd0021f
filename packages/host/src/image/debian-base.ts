import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { EngineClient } from '../engine/engine-client.ts';
import { collectLines, runProgram, systemEnvironment } from '../engine/run-program.ts';
import { buildFailure } from './build-failure.ts';
import { DEBIAN_SUITE, EXCLUDED_PATHS, PREPARE_SCRIPT } from './image-recipe.ts';

const MMDEBSTRAP = '/usr/bin/mmdebstrap';

/** As Debian names the architectures that engines name. */
const DEBIAN_ARCHITECTURES = new Map([
  ['x86_64', 'amd64'],
  ['amd64', 'amd64'],
  ['aarch64', 'arm64'],
  ['arm64', 'arm64'],
]);

/**
 * Makes the base from Debian's packages with mmdebstrap, which is installed when missing, and imports it as `image`.
 * Needs root on a Debian or Ubuntu machine; throws `unavailable` with what to do where that is not so.
 */
export async function importDebianBase(options: {
  engine: EngineClient;
  image: string;
  architecture: string;
  packages: readonly string[];
  signal: AbortSignal;
  onLine: (line: string) => void;
}): Promise<void> {
  const { engine, image, packages, signal, onLine } = options;
  const architecture = DEBIAN_ARCHITECTURES.get(options.architecture);
  await requireMmdebstrap(signal, onLine);
  const child = spawn(
    MMDEBSTRAP,
    [
      '--variant=essential',
      `--include=${packages.join(',')}`,
      ...(architecture ? [`--architectures=${architecture}`] : []),
      '--aptopt=APT::Install-Recommends "false"',
      ...EXCLUDED_PATHS.map((line) => `--dpkgopt=${line}`),
      // $1 is the root that mmdebstrap made; the script runs inside of it.
      `--customize-hook=chroot "$1" sh -e -c ${shellQuote(PREPARE_SCRIPT)}`,
      DEBIAN_SUITE,
      '-',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: systemEnvironment(process.env), signal },
  );
  // Its own progress begins with "I:"; the rest (the text of the script) is kept for a failure alone.
  const lines = collectLines((line) => {
    if (line.startsWith('I: ')) onLine(line.slice(3));
  });
  child.stderr.setEncoding('utf8').on('data', lines.take);
  const exit = new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null));
    child.on('close', resolve);
  });
  const imported = engine.importImage(image, child.stdout, ['LABEL openlegion=1'], signal).then(
    (result) => result.error,
    (error: unknown) => {
      child.kill();
      return error instanceof Error ? error : new Error('unknown');
    },
  );
  const [code, error] = await Promise.all([exit, imported]);
  signal.throwIfAborted();
  if (code !== 0) {
    throw buildFailure(`mmdebstrap ended with ${code ?? 'no code'}`, lines.last);
  }
  if (error !== null)
    throw error instanceof Error ? error : buildFailure('the base could not be imported', [error]);
}

async function requireMmdebstrap(signal: AbortSignal, onLine: (line: string) => void): Promise<void> {
  if (await executable(MMDEBSTRAP)) return;
  const root = process.getuid?.() === 0;
  if (root && (await executable('/usr/bin/apt-get'))) {
    onLine('Installing mmdebstrap');
    for (const args of [['update'], ['install', '-y', '--no-install-recommends', 'mmdebstrap']]) {
      await runProgram(['/usr/bin/apt-get', ...args], { signal, onLine, env: process.env });
    }
    if (await executable(MMDEBSTRAP)) return;
  }
  throw new OpenLegionError({
    code: 'unavailable',
    rule: 'image.base',
    message:
      'No image registry can be reached, and the base image cannot be made here: mmdebstrap is not installed.',
    remedy: root
      ? 'Connect this machine to an image registry or to a mirror of Debian’s packages, then start again.'
      : 'Install it (sudo apt-get install mmdebstrap) and start again as root once, or connect to an image registry.',
  });
}

async function executable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** mmdebstrap takes a hook as shell text; the script is a constant of ours. */
function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
