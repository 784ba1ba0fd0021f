import { words } from './guarantee.ts';
import { judgeWire, type WireOutcome } from './judge-host.ts';
import { openProbe, type ProbeGround, startProbe, within } from './probe-session.ts';
import type { VerifyStep } from './verify.ts';

const MODES = words(`
  garbage http1 continuation-flood ping-flood settings-flood rst-flood exit-at-once`);
const WAIT_MS = 10_000;

/** Programs that break the protocol, one after the other, while an honest neighbour is asked after each. */
export async function verifyWire({ options, check }: VerifyStep): Promise<void> {
  options.onProgress?.('breaking the protocol');
  await check('host.wire-attacks', async () => {
    await using neighbour = await openProbe(options);
    const outcomes: WireOutcome[] = [];
    let answers = true;
    for (const mode of MODES) {
      outcomes.push(await attack(options, mode));
      const status = await neighbour.pipe.request({ method: 'GET', path: '/status' }).catch(() => null);
      answers &&= status?.status === 200;
    }
    return judgeWire(outcomes, answers);
  });
}

async function attack(ground: ProbeGround, mode: string): Promise<WireOutcome> {
  const sandbox = await startProbe(ground, mode);
  try {
    const pipe = await ground.connectPipe({ bytes: sandbox.pipe, handle: ground.handle });
    const end = await within(pipe.closed, WAIT_MS);
    pipe.close('the check is done');
    if (!end) return { mode, ended: 'open', reason: `still open after ${WAIT_MS / 1000} s` };
    return { mode, ended: end.cause, reason: end.reason };
  } catch (error) {
    return { mode, ended: 'refused', reason: error instanceof Error ? error.message.slice(0, 200) : '' };
  } finally {
    await sandbox.stop(0);
  }
}
