import { formatMicroUsd } from '@openlegion/contract/money';
import type { TraceSpan, TraceView } from '@openlegion/contract/trace';
import { oneLine } from '../terminal/safe-text.ts';
import type { Style, Tone } from '../terminal/style.ts';
import { formatDuration } from './format-duration.ts';

const START = 9;
const TOOK = 8;
const COST = 10;
const TOKENS = 13;
const LEFT = START + TOOK + COST + TOKENS + 4;

/** How each kind is marked, in one column, so that the eye finds them. */
const MARKS: Record<TraceSpan['kind'], [mark: string, tone: Tone]> = {
  run: ['◉', 'bold'],
  step: ['○', 'green'],
  message: ['●', 'bold'],
  start: ['▲', 'dim'],
  model: ['◆', 'cyan'],
  tool: ['■', 'blue'],
  egress: ['↗', 'magenta'],
  approval: ['?', 'yellow'],
  handoff: ['→', 'cyan'],
  refusal: ['✗', 'red'],
  note: ['·', 'dim'],
};

/**
 * A trace as a tree: when each thing began after the trace's own beginning, how long it took, what it cost, and what it
 * was. Of a message the cost and tokens are those of all that is below it. Lines are at most `width` characters.
 */
export function traceTree(view: TraceView, style: Style, width: number): string[] {
  const { spans, summary } = view;
  const origin = Date.parse(summary.startedAt);
  const totals = totalsOf(spans);
  const children = new Map<string | null, TraceSpan[]>();
  for (const span of spans) children.set(span.parentId, [...(children.get(span.parentId) ?? []), span]);
  const lines = [
    style(
      'dim',
      `${'AFTER'.padStart(START)} ${'TOOK'.padStart(TOOK)} ${'COST'.padStart(COST)} ${'TOKENS'.padStart(TOKENS)}`,
    ),
  ];
  const draw = (span: TraceSpan, stem: string, branch: string) => {
    const total = totals.get(span.id) ?? span;
    const left = [
      formatDuration(Date.parse(span.startedAt) - origin).padStart(START),
      tookOf(span).padStart(TOOK),
      (total.costMicroUsd > 0 ? formatMicroUsd(total.costMicroUsd) : '').padStart(COST),
      tokensOf(total).padStart(TOKENS),
    ].join(' ');
    const tree = stem + branch;
    const room = Math.max(20, width - LEFT - tree.length - 3);
    const toned =
      span.kind === 'message' || span.kind === 'model'
        ? (text: string) => text
        : (text: string) => style('dim', text);
    lines.push(`${toned(left)} ${style('dim', ` ${tree}`)}${describe(span, style, room)}`);
    const below = children.get(span.id) ?? [];
    const inner = stem + (branch === '' ? '' : branch.startsWith('└') ? '   ' : '│  ');
    const output = outputOf(span);
    if (output !== '')
      lines.push(
        `${' '.repeat(LEFT - 4)} ${style('dim', `    ${inner}${below.length > 0 ? '│' : ' '} ${oneLine(output, Math.max(20, room - 3))}`)}`,
      );
    for (const [index, child] of below.entries())
      draw(child, inner, index === below.length - 1 ? '└─ ' : '├─ ');
  };
  for (const root of children.get(null) ?? []) draw(root, '', '');
  return lines;
}

function describe(span: TraceSpan, style: Style, room: number): string {
  const [mark, tone] = MARKS[span.kind];
  const bad = span.status === 'failed' || span.status === 'refused';
  const state = span.status === 'ok' || span.kind === 'refusal' ? '' : ` ${span.status}`;
  const name = oneLine(span.name, Math.min(60, room));
  const rest = oneLine(span.input, Math.max(0, room - name.length - state.length - 3));
  return [
    style(bad ? 'red' : tone, `${mark} `),
    style(bad ? 'red' : span.kind === 'message' || span.kind === 'run' ? 'bold' : tone, name),
    state === '' ? '' : style(bad ? 'red' : 'yellow', state),
    rest === '' || room - name.length < 8 ? '' : `  ${style('dim', rest)}`,
  ].join('');
}

/** A line of its own: a reply, why something failed, what a request came to. */
function outputOf(span: TraceSpan): string {
  if (span.output === '') return '';
  if (span.kind === 'start' && span.status === 'ok') return '';
  return span.kind === 'message' ? `⤷ ${span.output}` : span.output;
}

function tookOf({ startedAt, endedAt, kind, status }: TraceSpan): string {
  if (endedAt === null) return status === 'running' ? '…' : '';
  if (kind === 'refusal' || kind === 'note' || kind === 'handoff') return '';
  return formatDuration(Date.parse(endedAt) - Date.parse(startedAt));
}

function tokensOf({ inputTokens, outputTokens }: Pick<TraceSpan, 'inputTokens' | 'outputTokens'>): string {
  return inputTokens + outputTokens === 0 ? '' : `${short(inputTokens)}→${short(outputTokens)}`;
}

function short(count: number): string {
  if (count < 10_000) return String(count);
  return count < 1_000_000 ? `${(count / 1000).toFixed(1)}k` : `${(count / 1_000_000).toFixed(1)}M`;
}

type Total = Pick<TraceSpan, 'costMicroUsd' | 'inputTokens' | 'outputTokens'>;

/** Parents come before children: from the end, each adds itself to its parent. */
function totalsOf(spans: readonly TraceSpan[]): Map<string, Total> {
  const totals = new Map<string, Total>();
  for (const { id, costMicroUsd, inputTokens, outputTokens } of spans)
    totals.set(id, { costMicroUsd, inputTokens, outputTokens });
  for (const { id, parentId } of spans.toReversed()) {
    const [own, parent] = [totals.get(id), totals.get(parentId ?? '')];
    if (!own || !parent) continue;
    parent.costMicroUsd += own.costMicroUsd;
    parent.inputTokens += own.inputTokens;
    parent.outputTokens += own.outputTokens;
  }
  return totals;
}
