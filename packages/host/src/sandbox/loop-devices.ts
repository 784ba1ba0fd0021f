import { readdir, readFile, truncate } from 'node:fs/promises';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { runProgram } from '../engine/run-program.ts';

/** Throws `unavailable` or `disk_full` with the last of the program's errors. */
async function run(...command: string[]): Promise<string> {
  const { code, output, lastLines } = await runProgram(command, { env: {} });
  if (code === 0) return output.trim();
  const why = lastLines.slice(-3).join(' ');
  throw new OpenLegionError({
    code: /no space left/i.test(why) ? 'disk_full' : 'unavailable',
    rule: 'sandbox.disk_quota',
    message: `${command[0]} failed: ${why || `code ${code}`}`,
    remedy: 'Free disk space, or look at the kernel’s log (dmesg) for what is wrong with loop devices.',
  });
}

/** An ext4 file system of `bytes` in a sparse file, its root owned by `uid`. `file` exists and has that size. */
export async function formatExt4(file: string, uid: number): Promise<void> {
  const extended = `root_owner=${uid}:${uid},lazy_itable_init=1,lazy_journal_init=1,nodiscard`;
  await run('mkfs.ext4', '-q', '-F', '-m', '0', '-E', extended, file);
  await run('debugfs', '-w', '-R', 'rmdir lost+found', file);
}

/** Makes an unattached file system larger: checks it, makes the file longer, and then what is in it. */
export async function growExt4(file: string, bytes: number): Promise<void> {
  // Exit code 1 means that it was mended, which is as well; the growth would refuse what is not sound.
  await runProgram(['e2fsck', '-f', '-p', file], { env: {} });
  await truncate(file, bytes);
  await run('resize2fs', file);
}

/** Attaches a file and returns its device, `/dev/loop7`. One that is attached already is returned again. */
export async function attachLoop(file: string): Promise<string> {
  const attached = (await listLoops()).find((loop) => loop.file === file);
  if (attached) return attached.device;
  return await run('losetup', '--find', '--show', '--nooverlap', file);
}

/**
 * Lets a device go. In use (mounted), the kernel frees it as soon as it is no longer. One that is not attached is no
 * error.
 */
export async function detachLoop(file: string): Promise<void> {
  for (const loop of await listLoops()) {
    if (loop.file !== file) continue;
    await run('losetup', '--detach', loop.device).catch((error: Error) => {
      if (!/No such device/i.test(error.message)) throw error;
    });
  }
}

/** Every attached loop device and the file behind it, from the kernel itself. */
export async function listLoops(): Promise<{ device: string; file: string }[]> {
  const names = (await readdir('/sys/block').catch(() => [])).filter((name) => /^loop\d+$/.test(name));
  const loops = await Promise.all(
    names.map(async (name) => {
      const file = await readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => null);
      return file === null ? [] : [{ device: `/dev/${name}`, file: file.trim() }];
    }),
  );
  return loops.flat();
}
