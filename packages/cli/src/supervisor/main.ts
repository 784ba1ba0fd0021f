import { closeSync, writeSync } from 'node:fs';
import { runSupervisor } from './run-supervisor.ts';
import { type SupervisorReport, SupervisorSettings } from './supervisor-settings.ts';

const [flag, json] = process.argv.slice(2);
if (flag !== '--config-json' || json === undefined) {
  process.stderr.write('This program is run by OpenLegion itself: use ./openlegion start.\n');
  process.exit(2);
}
const settings = SupervisorSettings.parse(JSON.parse(json));
process.umask(0o077);

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  // In the background the terminal's end is no reason to stop.
  process.on(signal, () => (signal === 'SIGHUP' && !settings.lifeline ? undefined : stop.abort()));
}
if (settings.lifeline) {
  process.stdin.resume();
  for (const event of ['end', 'error', 'close'] as const) process.stdin.once(event, () => stop.abort());
}

let reporting = true;
const endsReports = ({ type }: SupervisorReport) => type === 'ready' || type === 'failed';
const report = (line: SupervisorReport) => {
  if (!reporting) return;
  try {
    writeSync(3, `${JSON.stringify(line)}\n`);
    if (endsReports(line)) closeSync(3);
  } catch {
    // The one who started us is gone; the log has the rest.
    reporting = false;
  }
  if (endsReports(line)) reporting = false;
};
const code = await runSupervisor({
  settings,
  environment: process.env,
  uid: process.getuid?.() ?? 0,
  stop: stop.signal,
  report,
});
process.exit(code);
