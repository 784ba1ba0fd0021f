import type { AgentStart } from '@openlegion/contract/agent-api';
import { PROMPT_FILES, SYSTEM_CHARS } from './prompt-files.ts';

/** SYSTEM.md: what an agent should know of where and as what it runs. At most 6,000 characters. */
export function describeSystem({ name, role, model, tools, egress, extras }: AgentStart): string {
  const variables = Object.keys(egress.environment);
  const files = PROMPT_FILES.map(({ name: file, maxChars, agentWrites, heartbeatOnly }) => {
    const who = agentWrites ? 'yours' : 'the operator’s';
    return `- ${file}: ${who}, ${maxChars} characters${heartbeatOnly ? ', in heartbeats' : ''}`;
  });
  const lines = [
    '# Where you run',
    '',
    `- You are ${name}${role === '' ? '' : `, ${role}`}. Your model is ${model}.`,
    '- /data is your own disk and stays; everything else is gone when the container stops. /data/workspace is where your files are.',
    '- There is no network. HTTP of programs goes through a proxy to the hosts that were granted to you.',
    `- Tools given to you: ${tools.join(', ') || 'none'}.`,
    ...(variables.length > 0
      ? [
          `- Variables with stand-ins for credentials, of use only at the hosts they are bound to: ${variables.join(', ')}.`,
        ]
      : []),
    `- Memory searches by ${typeof extras.embeddingModel === 'string' ? 'meaning and by words' : 'words and their spelling'}.`,
    '',
    '# Files that are part of your prompt',
    '',
    'What a person put into one of them, and nobody changed since, stands among your instructions. What you or a program wrote there is shown to you as your notes.',
    '',
    ...files,
    '- learnings/errors.md and learnings/corrections.md: what failed and what people corrected, written for you; the latter is shown as a note.',
    '- logs/: a line for each message, a file a day. Older versions of your files are in .versions/.',
  ];
  const text = lines.join('\n');
  const mark = '\n[… cut]';
  return text.length <= SYSTEM_CHARS ? text : text.slice(0, SYSTEM_CHARS - mark.length) + mark;
}
