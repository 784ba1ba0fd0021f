import { ApprovalList, type ApprovalSummary, ApprovalView } from '@openlegion/contract/control-approvals';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { matchesHash, subjectLines } from '../approvals/subject-lines.ts';
import { visibleText } from '../approvals/visible-text.ts';
import type { CommandContext } from '../command-context.ts';
import { type ControlClient, createControlClient } from '../control/control-client.ts';
import { confirm } from '../terminal/confirm.ts';
import { oneLine } from '../terminal/safe-text.ts';
import { formatTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** What waits for a person; with `all` also what was answered, expired or withdrawn. */
export async function approvalsList(
  { home, terminal }: CommandContext,
  options: { all?: boolean; json?: boolean },
): Promise<number> {
  const path = options.all ? '/api/approvals' : '/api/approvals?status=pending';
  const found = await createControlClient(home).json(ApprovalList, { method: 'GET', path });
  if (options.json) {
    terminal.line(JSON.stringify(found, null, 2));
    return 0;
  }
  if (found.approvers.length === 0)
    terminal.line('Nobody is named under approvals.approvers in config/mesh.yaml: whatever asks is told no.');
  if (found.approvals.length === 0) terminal.line('Nothing waits for a person.');
  else terminal.line(approvalTable(found.approvals));
  return 0;
}

export function approvalTable(approvals: readonly ApprovalSummary[]): string {
  return formatTable([
    ['ID', 'STATUS', 'ASKED BY', 'KIND', 'WHAT', 'EXPIRES'],
    ...approvals.map(({ id, status, asker, kind, what, expiresAt, by }) => [
      id,
      by === null ? status : `${status} by ${by}`,
      asker,
      kind,
      oneLine(visibleText(what), 60),
      expiresAt.slice(0, 19),
    ]),
  ]);
}

export async function approvalsShow(
  { home, terminal }: CommandContext,
  id: string,
  options: { json?: boolean },
): Promise<number> {
  const view = await fetchApproval(createControlClient(home), id);
  if (options.json) terminal.line(JSON.stringify(view, null, 2));
  else show(view, terminal);
  return 0;
}

/**
 * Shows the whole of what is asked and, after a yes, answers with the hash of what was shown. Without a terminal the
 * hash must be given, as proof that somebody has read it.
 */
export async function approvalsAnswer(
  { home, terminal }: CommandContext,
  id: string,
  options: { approve: boolean; hash?: string; note?: string },
): Promise<number> {
  const { approve, note = '' } = options;
  const control = createControlClient(home);
  const view = await fetchApproval(control, id);
  if (approve && !(await agreed(view, options.hash, terminal))) {
    terminal.line('Nothing was answered.');
    return 1;
  }
  const answered = await control.json(ApprovalView, {
    ...{ method: 'POST', path: `/api/approvals/${encodeURIComponent(id)}/answer` },
    json: { approve, hash: view.hash, note },
  });
  terminal.line(`${answered.status} by ${answered.by ?? 'nobody'}.`);
  if (answered.kind === 'egress' && approve)
    terminal.line(
      `${answered.asker} may reach ${oneLine(answered.what, 300)}: it stands in config/permissions.json, and is in effect.`,
    );
  return 0;
}

async function agreed(view: ApprovalView, hash: string | undefined, terminal: Terminal): Promise<boolean> {
  if (hash !== undefined) {
    if (hash === view.hash) return true;
    throw new OpenLegionError({
      code: 'conflict',
      rule: 'approval.hash',
      message: `The hash of what is asked is ${view.hash}, not the one given.`,
      remedy: `Look at it again: ./openlegion approvals show ${view.id}`,
    });
  }
  show(view, terminal);
  if (terminal.interactive) return confirm(terminal, 'Let exactly this run, once?', false);
  throw new OpenLegionError({
    code: 'bad_request',
    rule: 'cli.approvals.hash',
    message: 'Without a terminal, an approval needs the hash of what was read.',
    remedy: `After reading it: ./openlegion approvals approve ${view.id} --hash ${view.hash}`,
  });
}

async function fetchApproval(control: ControlClient, id: string): Promise<ApprovalView> {
  const path = `/api/approvals/${encodeURIComponent(id)}`;
  const view = await control.json(ApprovalView, { method: 'GET', path });
  if (matchesHash(view)) return view;
  throw new OpenLegionError({
    code: 'internal',
    rule: 'cli.approvals.shown',
    message: 'What the host shows is not what its hash is of. Nothing was answered.',
    remedy: 'Deny it, and report this with data/logs/host.log.',
  });
}

function show(view: ApprovalView, terminal: Terminal): void {
  const { id, kind, asker, what, status, by, note, askedAt, expiresAt, usedAt, hash, traceId } = view;
  const answered = by === null ? status : `${status} by ${by}${note === '' ? '' : `: ${oneLine(note, 200)}`}`;
  terminal.line(
    formatTable([
      ['approval', id],
      ['asked by', asker],
      ['for', `${kind} ${oneLine(visibleText(what), 100)}`],
      ['status', `${answered}${usedAt === null ? '' : `, used ${usedAt.slice(0, 19)}`}`],
      ['asked', `${askedAt.slice(0, 19)}, expires ${expiresAt.slice(0, 19)}`],
      ['trace', traceId],
      ['sha256', hash],
    ]),
  );
  terminal.line('What will run, whole (the text within the frame is the asker’s, not OpenLegion’s):');
  for (const line of subjectLines(view.subject)) terminal.line(line);
}
