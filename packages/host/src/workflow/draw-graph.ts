import type { WorkflowDefinition } from '@openlegion/contract/workflow';
import type { CompiledWorkflow } from './compile-workflow.ts';

interface Node {
  id: string;
  to: string;
  marks: string[];
  dependsOn: readonly string[];
  /** Longest way from a step that depends on nothing. */
  level: number;
}

/** One line a step, in an order in which they can start; what a step waits for stands behind the arrow. */
export function drawText(workflow: CompiledWorkflow): string {
  const nodes = nodesOf(workflow);
  const width = Math.max(...nodes.map(({ id, level }) => id.length + 2 * Math.min(level, 10)));
  const { definition } = workflow;
  const lines = nodes.map(({ id, to, marks, dependsOn, level }) => {
    const name = `${'  '.repeat(Math.min(level, 10))}${id}`.padEnd(width);
    const behind = dependsOn.length === 0 ? '' : `  ← ${dependsOn.join(', ')}`;
    return `${name}  ${to}${marks.length === 0 ? '' : ` [${marks.join('; ')}]`}${behind}`;
  });
  return `${definition.name} (trigger: ${triggerText(definition)})\n${lines.join('\n')}\n${handlerLines(definition)}`;
}

/** A flowchart of Mermaid. Every text is quoted with its special characters as entities: none of it is syntax. */
export function drawMermaid(workflow: CompiledWorkflow): string {
  const lines = nodesOf(workflow).flatMap(({ id, to, marks, dependsOn }) => [
    `  s_${id}["${[id, to, ...marks].map(entities).join('<br/>')}"]`,
    ...dependsOn.map((need) => `  s_${need} --> s_${id}`),
  ]);
  return `flowchart TD\n${lines.join('\n')}\n`;
}

const BOX = { width: 220, line: 16, gapX: 30, gapY: 50, margin: 20 };

/** A picture without script, link or style from outside. */
export function drawSvg(workflow: CompiledWorkflow): string {
  const nodes = nodesOf(workflow);
  const tallest = Math.max(...nodes.map(({ marks }) => marks.length + 2));
  const height = tallest * BOX.line + 10;
  const placed = new Map<string, { x: number; y: number }>();
  const inLevel = new Map<number, number>();
  for (const { id, level } of nodes) {
    const column = inLevel.get(level) ?? 0;
    inLevel.set(level, column + 1);
    const x = BOX.margin + column * (BOX.width + BOX.gapX);
    placed.set(id, { x, y: BOX.margin + level * (height + BOX.gapY) });
  }
  const columns = Math.max(...inLevel.values());
  const size = {
    width: 2 * BOX.margin + columns * (BOX.width + BOX.gapX) - BOX.gapX,
    height: 2 * BOX.margin + inLevel.size * (height + BOX.gapY) - BOX.gapY,
  };
  const at = (id: string) => placed.get(id) ?? { x: 0, y: 0 };
  const edges = nodes.flatMap(({ id, dependsOn }) =>
    dependsOn.map((need) => {
      const [from, to] = [at(need), at(id)];
      const [x1, y1, x2, y2] = [from.x + BOX.width / 2, from.y + height, to.x + BOX.width / 2, to.y];
      const middle = (y1 + y2) / 2;
      return `<path d="M${x1} ${y1}C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}" fill="none" stroke="#888" marker-end="url(#arrow)"/>`;
    }),
  );
  const boxes = nodes.map(({ id, to, marks }) => {
    const { x, y } = at(id);
    const texts = [id, to, ...marks].map((text, line) => {
      const weight = line === 0 ? ' font-weight="bold"' : '';
      const short = text.length > 34 ? `${text.slice(0, 33)}…` : text;
      return `<text x="${x + 10}" y="${y + 18 + line * BOX.line}"${weight}>${entities(short)}</text>`;
    });
    return `<rect x="${x}" y="${y}" width="${BOX.width}" height="${height}" rx="6" fill="#f6f6f6" stroke="#444"/>${texts.join('')}`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" font-family="sans-serif" font-size="12">`,
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#888"/></marker></defs>',
    ...edges,
    ...boxes,
    '</svg>\n',
  ].join('\n');
}

function nodesOf({ steps }: CompiledWorkflow): Node[] {
  const levels = new Map<string, number>();
  return [...steps].map(([id, { step, dependsOn }]) => {
    const level = dependsOn.reduce((most, need) => Math.max(most, (levels.get(need) ?? 0) + 1), 0);
    levels.set(id, level);
    const marks = [
      ...(step.condition === undefined ? [] : [`if ${step.condition}`]),
      ...(step.for_each === undefined ? [] : [`for each of ${step.for_each}`]),
      ...(step.requires_approval ? ['asks for approval'] : []),
      ...(step.on_failure === 'abort' ? [] : [`on failure: ${step.fallback_agent ?? step.on_failure}`]),
    ];
    return { id, to: step.agent ?? `capability:${step.capability}`, marks, dependsOn, level };
  });
}

export function triggerText({ trigger }: WorkflowDefinition): string {
  if (typeof trigger === 'string') return trigger;
  const [kind, value] = Object.entries(trigger)[0] ?? ['', ''];
  return `${kind} ${value}`;
}

function handlerLines({ on_complete, on_failure }: WorkflowDefinition): string {
  const lines = Object.entries({ on_complete, on_failure }).map(([id, handler]) => {
    if (handler === undefined) return '';
    const to =
      typeof handler === 'string'
        ? `publishes ${handler}`
        : (handler.agent ?? `capability:${handler.capability}`);
    return `${id}  ${to}\n`;
  });
  return lines.join('');
}

/** Everything that could be markup or Mermaid becomes a numbered entity. */
function entities(text: string): string {
  return text.replace(/[^A-Za-z0-9 .,:_()+=/…-]/gu, (character) => `&#${character.codePointAt(0)};`);
}
