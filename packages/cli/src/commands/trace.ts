import { MessageView } from '@openlegion/contract/control-api';
import { formatMicroUsd } from '@openlegion/contract/money';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { type TraceGroup, TraceList, type TraceSummary, TraceView } from '@openlegion/contract/trace';
import type { CommandContext } from '../command-context.ts';
import { type ControlClient, createControlClient } from '../control/control-client.ts';
import { oneLine } from '../terminal/safe-text.ts';
import type { Style, Tone } from '../terminal/style.ts';
import { formatTable } from '../terminal/table.ts';
import { formatDuration } from '../traces/format-duration.ts';
import { traceTree } from '../traces/trace-tree.ts';

const STATUS: Record<TraceSummary['status'], [mark: string, tone: Tone]> = {
  ok: ['✓ done', 'green'],
  failed: ['✗ failed', 'red'],
  refused: ['✗ refused', 'red'],
  cancelled: ['– cancelled', 'yellow'],
  running: ['… running', 'cyan'],
  unknown: ['? unknown', 'yellow'],
};

const MISSING: Record<TraceView['missing'][number], string> = {
  retention:
    'Its oldest events are no longer kept (telemetry.keep_days and keep_events in config/mesh.yaml).',
  too_long: 'It is longer than what is shown: the end is missing.',
  keeper_away: 'The keeper is away: requests to the outside are missing.',
};

export async function traceList(
  { home, terminal }: CommandContext,
  options: { lines: number; agent?: string; json?: boolean },
): Promise<number> {
  const limit = Number.isInteger(options.lines) && options.lines > 0 ? Math.min(options.lines, 200) : 20;
  const query = new URLSearchParams({ limit: String(limit) });
  if (options.agent !== undefined) query.set('agent', options.agent);
  const { traces } = await createControlClient(home).json(TraceList, {
    method: 'GET',
    path: `/api/traces?${query}`,
  });
  if (options.json) terminal.line(JSON.stringify(traces, null, 2));
  else if (traces.length === 0)
    terminal.line('There are no traces yet: send a message with ./openlegion chat.');
  else {
    const rows = formatTable([
      ['TRACE', 'BEGAN', 'TOOK', 'STATUS', 'COST', 'TOKENS', 'CALLS', 'TOOLS', 'REFUSED', 'AGENTS', 'WHAT'],
      ...traces.map((trace) => [
        trace.traceId,
        trace.startedAt.slice(0, 19).replace('T', ' '),
        tookOf(trace),
        STATUS[trace.status][0],
        formatMicroUsd(trace.costMicroUsd),
        `${trace.inputTokens}→${trace.outputTokens}`,
        String(trace.modelCalls),
        String(trace.toolCalls),
        trace.refusals === 0 ? '' : String(trace.refusals),
        oneLine(trace.agents.join(', '), 40),
        oneLine(trace.preview, 50),
      ]),
    ]).split('\n');
    for (const [index, row] of rows.entries()) {
      const [mark, tone] = STATUS[traces[index - 1]?.status ?? 'ok'];
      terminal.line(index === 0 ? terminal.style('dim', row) : row.replace(mark, terminal.style(tone, mark)));
    }
  }
  return 0;
}

/** Without an id the newest; a message's id stands for its trace. */
export async function traceShow(
  { home, terminal }: CommandContext,
  id: string | undefined,
  options: { json?: boolean; summary?: boolean },
): Promise<number> {
  const control = createControlClient(home);
  const traceId = await traceNamed(control, id);
  const view = await control.json(TraceView, {
    method: 'GET',
    path: `/api/traces/${encodeURIComponent(traceId)}`,
  });
  if (options.json) {
    terminal.line(JSON.stringify(view, null, 2));
    return 0;
  }
  const { style } = terminal;
  for (const line of headLines(view.summary, style)) terminal.line(line);
  terminal.line();
  if (options.summary) terminal.line(groupTable(view.groups));
  else for (const line of traceTree(view, style, terminal.output.columns ?? 140)) terminal.line(line);
  for (const why of view.missing) terminal.line(style('yellow', `! ${MISSING[why]}`));
  return 0;
}

function headLines(summary: TraceSummary, style: Style): string[] {
  const [mark, tone] = STATUS[summary.status];
  const count = (n: number, one: string, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
  return [
    `${style('bold', summary.traceId)}  ${style(tone, mark)}  ${tookOf(summary)}  ${style('bold', formatMicroUsd(summary.costMicroUsd))}`,
    style(
      'dim',
      [
        `${summary.startedAt.slice(0, 19).replace('T', ' ')} UTC, from ${oneLine(summary.from, 63)}`,
        count(summary.agents.length, 'agent'),
        count(summary.modelCalls, 'model call'),
        `${summary.inputTokens} tokens in, ${summary.outputTokens} out`,
        count(summary.toolCalls, 'tool call'),
        count(summary.refusals, 'refusal'),
      ].join(' · '),
    ),
  ];
}

function groupTable(groups: readonly TraceGroup[]): string {
  return formatTable([
    ['KIND', 'AGENT', 'NAME', 'COUNT', 'FAILED', 'TIME', 'COST', 'TOKENS'],
    ...groups.map((group) => [
      group.kind,
      group.agent,
      oneLine(group.name, 60),
      String(group.count),
      group.failed === 0 ? '' : String(group.failed),
      formatDuration(group.totalMs),
      group.costMicroUsd === 0 ? '' : formatMicroUsd(group.costMicroUsd),
      group.inputTokens + group.outputTokens === 0 ? '' : `${group.inputTokens}→${group.outputTokens}`,
    ]),
  ]);
}

function tookOf({ startedAt, endedAt }: TraceSummary): string {
  return endedAt === null ? '…' : formatDuration(Date.parse(endedAt) - Date.parse(startedAt));
}

export async function traceNamed(control: ControlClient, id: string | undefined): Promise<string> {
  if (id?.startsWith('msg_'))
    return (
      await control.json(MessageView, { method: 'GET', path: `/api/messages/${encodeURIComponent(id)}` })
    ).traceId;
  if (id !== undefined) return id;
  const { traces } = await control.json(TraceList, { method: 'GET', path: '/api/traces?limit=1' });
  const [newest] = traces;
  if (newest) return newest.traceId;
  throw new OpenLegionError({
    code: 'not_found',
    rule: 'cli.trace.none',
    message: 'There are no traces yet.',
    remedy: 'Send a message with ./openlegion chat.',
  });
}
