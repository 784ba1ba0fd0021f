import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Guarantee, VerifyReport } from '@openlegion/contract/control-api';
import type { EnforcementStatement } from '@openlegion/contract/control-permissions';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import type { CommandContext } from '../command-context.ts';
import { createControlClient, notRunning } from '../control/control-client.ts';
import { runningSupervisor } from '../supervisor/supervisor-file.ts';
import { createProgress } from '../terminal/progress.ts';
import { captureVaultAdmin } from '../vault-admin/run-vault-admin.ts';
import { checkInstallation } from '../verify/check-installation.ts';
import { formatReportMarkdown, formatReportText } from '../verify/format-report.ts';

const CANARIES = 20;
/** Where the canaries are bound to: a name that resolves nowhere (RFC 2606). */
const CANARY_ORIGIN = 'https://canary.invalid';
const TIMEOUT_MS = 5 * 60_000;

/**
 * Plants credentials of the keeper's own invention, has the host attack the installation from inside a container and
 * search for them, adds what is seen from here, and takes the canaries away whatever happened. Exit code 1 when a
 * guarantee is broken.
 */
export async function verify(
  context: CommandContext,
  options: { json: boolean; report?: string | undefined },
): Promise<number> {
  const { home, terminal } = context;
  const running = runningSupervisor(home);
  if (!running) throw notRunning(home);
  const progress = createProgress(terminal);
  const prefix = `CANARY${randomBytes(8).toString('hex')}`;
  progress.step('planting 20 canary credentials in the vault');
  const guarantees: Guarantee[] = [];
  let enforcement: EnforcementStatement;
  try {
    const planted = await captureVaultAdmin([
      ...['canaries', '--run', running.run, '--prefix', prefix],
      ...['--count', String(CANARIES), '--origin', CANARY_ORIGIN],
    ]);
    if (planted.code !== 0) throw cannotPlant(planted.stderr);
    progress.step('attacking the installation from inside an agent container');
    const report = await createControlClient(home).json(VerifyReport, {
      method: 'POST',
      path: '/api/verify',
      json: { canaryPrefix: prefix },
      timeoutMs: TIMEOUT_MS,
    });
    enforcement = report.enforcement;
    guarantees.push(...report.guarantees, ...(await checkInstallation({ home, running, prefix })));
  } finally {
    progress.clear();
    const removed = await captureVaultAdmin(['remove-canaries', '--run', running.run]);
    if (removed.code !== 0)
      terminal.errorLine(`The canaries are still in the vault: ${removed.stderr.trim()}`);
    await removeTrialSecrets(running.run);
  }
  const broken = guarantees.some(({ verdict }) => verdict === 'broken');
  if (options.report !== undefined) {
    writeFileSync(
      resolve(options.report),
      formatReportMarkdown(guarantees, enforcement, { home, at: new Date().toISOString() }),
    );
  }
  if (options.json) terminal.line(JSON.stringify({ broken, guarantees, enforcement }, null, 2));
  else terminal.line(formatReportText(guarantees, enforcement, terminal.style));
  return broken ? 1 : 0;
}

const Listed = z.object({
  credentials: z.array(z.object({ name: z.string(), owner: z.string().nullable() })),
});

/** What the trial of the way out had the keeper invent, bound to a host of its own: worth nothing, and no one's. */
async function removeTrialSecrets(run: string): Promise<void> {
  const listed = await captureVaultAdmin(['list', '--json', '--run', run]);
  if (listed.code !== 0) return;
  for (const { name, owner } of Listed.parse(JSON.parse(listed.stdout)).credentials)
    if (owner?.startsWith('verify-probe-')) await captureVaultAdmin(['remove', name, '--run', run]);
}

function cannotPlant(stderr: string): OpenLegionError {
  return new OpenLegionError({
    code: 'unavailable',
    rule: 'cli.verify.canaries',
    message: `The keeper did not take the canaries. ${stderr.trim()}`,
    remedy: 'data/logs/keeper.log says why.',
  });
}
