import type { WorkflowList } from '@openlegion/contract/control-workflow';
import { oneLine } from '../terminal/safe-text.ts';
import { formatTable } from '../terminal/table.ts';

export function workflowTable({ workflows }: WorkflowList): string {
  if (workflows.length === 0) return 'There are no workflows. They stand in config/workflows/*.yaml.';
  return formatTable([
    ['WORKFLOW', 'TRIGGER', 'STEPS', 'CAN RUN', 'HASH', 'FILE'],
    ...workflows.map(({ name, trigger, steps, file, hash, acceptedBy, proposedBy, note }) => [
      name,
      oneLine(trigger, 40),
      `${steps}`,
      acceptedBy === null
        ? `no: ${proposedBy === null ? 'not accepted' : `proposed by ${proposedBy}`}`
        : note === null
          ? `yes, accepted by ${acceptedBy}`
          : 'by hand alone: nothing listens for its trigger yet',
      hash.slice(0, 12),
      file ?? '-',
    ]),
  ]);
}
