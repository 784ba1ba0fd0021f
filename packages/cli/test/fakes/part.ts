/**
 * A part for tests of the supervisor. Its settings say what it does; it writes what it was given to `record`, says
 * that it is ready, and stops at the end of its lifeline.
 */
import { appendFileSync, fstatSync, readFileSync, writeSync } from 'node:fs';
import { z } from 'zod';

const Settings = z.object({
  record: z.string(),
  name: z.string(),
  behaviour: z.enum(['ready', 'failed', 'silent', 'crash', 'garbage', 'deaf']).default('ready'),
  /** Crashes at this start and is well at later ones. */
  crashAfterReady: z.int().default(0),
});
const settings = Settings.parse(JSON.parse(process.argv[3] ?? ''));
const say = (record: object) =>
  appendFileSync(settings.record, `${JSON.stringify({ name: settings.name, ...record })}\n`);
const hasFd = (fd: number) => {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false;
  }
};
const starts = readFileSync(settings.record, 'utf8')
  .split('\n')
  .filter((line) => line.includes(`"${settings.name}"`) && line.includes('"started"')).length;
say({
  event: 'started',
  pid: process.pid,
  environment: Object.keys(process.env).sort(),
  key: hasFd(4) ? readFileSync(4).length : null,
});
process.stdin.resume();
process.stdin.once('end', () => {
  if (settings.behaviour === 'deaf') return;
  say({ event: 'stopped' });
  process.exit(0);
});
process.on('SIGTERM', () => {});
setInterval(() => {}, 60_000);
if (settings.behaviour === 'crash') {
  process.stderr.write('the cause of the crash\n');
  process.exit(3);
}
if (settings.behaviour === 'failed') {
  writeSync(
    3,
    `${JSON.stringify({ ready: false, message: 'port 8420 is taken', remedy: 'Choose another.' })}\n`,
  );
} else if (settings.behaviour === 'garbage') writeSync(3, 'not JSON\n');
else if (settings.behaviour !== 'silent') {
  writeSync(3, `${JSON.stringify({ ready: true, detail: { port: 4000 + starts } })}\n`);
  if (starts < settings.crashAfterReady) process.kill(process.pid, 'SIGKILL');
}
