import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AcceptedWorkflow, WorkflowList, WorkflowRunStarted } from '@openlegion/contract/control-workflow';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { type RecordedMessage, type RecordedRun, Recording } from '@openlegion/contract/recording';
import type { CommandContext } from '../command-context.ts';
import { runSetup } from '../commands/run-setup.ts';
import { awaitRun } from '../commands/workflow-run.ts';
import { type ControlClient, createControlClient } from '../control/control-client.ts';
import { followMessage } from '../control/follow-message.ts';
import { sendMessage } from '../control/send-message.ts';
import { launchSupervisor } from '../supervisor/launch-supervisor.ts';
import { confirm } from '../terminal/confirm.ts';
import { createProgress } from '../terminal/progress.ts';
import { fillWorkspaces } from './fill-workspaces.ts';
import { removeVolumes } from './remove-volumes.ts';
import { writeReplayHome } from './replay-home.ts';

const PATIENCE_MS = 60_000;

/**
 * Plays a recording on a fleet of its own, made for it and taken away again whatever happens, and returns the recording
 * of that. With `agent` only what that agent was asked first; with `workspaces`, a folder with a folder for each agent,
 * they find these files.
 */
export async function runReplay(
  { home, terminal }: Pick<CommandContext, 'home' | 'terminal'>,
  recording: Recording,
  { agent, workspaces }: { agent: string | null; workspaces: string | null },
): Promise<Recording> {
  const begin = beginningOf(recording, agent);
  const place = realpathSync(mkdtempSync(join(tmpdir(), 'openlegion-replay-')));
  const progress = createProgress(terminal);
  try {
    writeReplayHome(home, place, recording);
    await runSetup({
      settings: { home: place, sandbox: false },
      progress,
      confirm: (question) => confirm(terminal, question, false),
    });
    const launched = await launchSupervisor(
      { home: place, sandbox: false, port: 0, lifeline: true },
      (part) => progress.step(`Starting the ${part === 'scripted' ? 'scripted model' : part}`),
      progress.done,
    );
    progress.clear();
    if (!launched.started)
      throw new OpenLegionError({ code: 'unavailable', rule: 'cli.replay.start', ...launched });
    try {
      const control = createControlClient(place, null);
      if (workspaces !== null) await fillWorkspaces(control, workspaces);
      progress.step('Playing the recording');
      await acceptWorkflows(control, recording, agent !== null);
      return await play(control, begin);
    } finally {
      progress.clear();
      await launched.supervisor.stop();
    }
  } finally {
    await removeVolumes(place);
    rmSync(place, { recursive: true, force: true });
  }
}

/**
 * The copy is thrown away and reaches nothing: whoever replays lets run there what ran in the recording. `mayLack`: an
 * agent's part can be played where a workflow is gone.
 */
async function acceptWorkflows(control: ControlClient, { runs }: Recording, mayLack: boolean): Promise<void> {
  if (runs.length === 0) return;
  const { workflows } = await control.json(WorkflowList, { method: 'GET', path: '/api/workflows' });
  for (const name of new Set(runs.map(({ workflow }) => workflow))) {
    const found = workflows.find((one) => one.name === name && one.file !== null);
    if (!found && mayLack) continue;
    if (!found) throw notReplayable(`The workflow ${name} is no longer in config/workflows.`, null);
    const path = `/api/workflows/${encodeURIComponent(found.hash)}/accept`;
    await control.json(AcceptedWorkflow, { method: 'POST', path, json: {} });
  }
}

async function play(control: ControlClient, begin: RecordedMessage | RecordedRun): Promise<Recording> {
  const traceId = await ('workflow' in begin ? playRun(control, begin) : playMessage(control, begin));
  const path = `/api/traces/${encodeURIComponent(traceId)}/recording`;
  return control.json(Recording, { method: 'GET', path, timeoutMs: 120_000 });
}

async function playMessage(control: ControlClient, { agent, text }: RecordedMessage): Promise<string> {
  const { messageId, traceId } = await sendMessage(control, agent, text);
  const events = followMessage({ control, messageId, patienceMs: PATIENCE_MS, onAway: () => {} });
  for await (const _event of events);
  return traceId;
}

async function playRun(control: ControlClient, { workflow, payload }: RecordedRun): Promise<string> {
  const { run } = await control.json(WorkflowRunStarted, {
    ...{ method: 'POST', path: `/api/workflows/${encodeURIComponent(workflow)}/runs`, json: { payload } },
  });
  await awaitRun(control, run.id, () => {});
  return run.traceId;
}

function beginningOf({ messages, runs }: Recording, agent: string | null): RecordedMessage | RecordedRun {
  const first =
    agent === null
      ? (messages.find(({ parentId, from }) => parentId === null && from === 'operator') ??
        runs.find((run) => run.first))
      : messages.find((message) => message.agent === agent);
  const problem = !first
    ? agent === null
      ? 'It begins with neither a message of a person nor a workflow.'
      : `${agent} has no part in it.`
    : messages.some(({ rounds }) => rounds?.some(({ steered }) => steered))
      ? 'A person steered a turn of it, and will not do so again.'
      : null;
  if (first && problem === null) return first;
  throw notReplayable(problem ?? '', agent);
}

function notReplayable(problem: string, agent: string | null): OpenLegionError {
  return new OpenLegionError({
    code: 'bad_request',
    rule: 'cli.replay.recording',
    message: `This recording cannot be replayed. ${problem}`,
    remedy:
      agent === null ? 'Replay the part of one agent with --agent.' : 'Name an agent that took part in it.',
  });
}
