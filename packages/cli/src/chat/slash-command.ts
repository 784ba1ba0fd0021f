/** What a line typed in the REPL means. */
export type ReplLine =
  | { type: 'empty' }
  | { type: 'message'; agent: string | null; text: string }
  | { type: 'use'; agent: string }
  | { type: 'steer'; text: string }
  | { type: 'workflows' }
  | { type: 'blackboard'; action: 'list' | 'get' | 'set' | 'del'; key: string; value: string }
  | { type: 'run_workflow'; name: string; payload: string | null }
  | { type: 'agents' | 'costs' | 'queue' | 'reset' | 'cancel' | 'quit' | 'help' }
  | { type: 'unknown'; command: string }
  | { type: 'incomplete'; usage: string };

export const REPL_HELP: readonly (readonly [string, string])[] = [
  ['TEXT', 'a message to the agent in use'],
  ['@AGENT TEXT', 'a message to another agent'],
  ['/use AGENT', 'talk to another agent from now on'],
  ['/agents, /status', 'the agents and what they do'],
  ['/steer TEXT', 'say something to the agent while it works'],
  ['/cancel', 'stop what the agent is doing'],
  ['/queue', 'messages that wait'],
  ['/costs', 'what was spent'],
  ['/blackboard', 'the state that agents share; also list PREFIX, get KEY, set KEY VALUE, del KEY'],
  ['/workflow, /workflow list', 'the workflows'],
  ['/workflow run NAME [JSON]', 'start one, and see what becomes of it'],
  ['/reset', 'begin a new conversation (the old one is kept)'],
  ['/quit, /exit', 'leave'],
];

const PLAIN = new Map<string, 'agents' | 'costs' | 'queue' | 'reset' | 'cancel' | 'quit' | 'help'>([
  ['/agents', 'agents'],
  ['/status', 'agents'],
  ['/costs', 'costs'],
  ['/queue', 'queue'],
  ['/reset', 'reset'],
  ['/cancel', 'cancel'],
  ['/quit', 'quit'],
  ['/exit', 'quit'],
  ['/help', 'help'],
]);

export function parseReplLine(line: string): ReplLine {
  const text = line.trim();
  if (text === '') return { type: 'empty' };
  const [, first = '', rest = ''] = /^(\S+)\s*([\s\S]*)$/.exec(text) ?? [];
  if (first.startsWith('@') && first.length > 1) {
    if (rest === '') return { type: 'incomplete', usage: '@AGENT TEXT' };
    return { type: 'message', agent: first.slice(1), text: rest };
  }
  if (!first.startsWith('/')) return { type: 'message', agent: null, text };
  if (first === '/use')
    return rest ? { type: 'use', agent: rest } : { type: 'incomplete', usage: '/use AGENT' };
  if (first === '/steer')
    return rest ? { type: 'steer', text: rest } : { type: 'incomplete', usage: '/steer TEXT' };
  if (first === '/workflow') return workflowLine(rest);
  if (first === '/blackboard') return blackboardLine(rest);
  const plain = PLAIN.get(first);
  return plain ? { type: plain } : { type: 'unknown', command: first };
}

function workflowLine(rest: string): ReplLine {
  const [action = 'list', name = '', ...payload] = rest.split(/\s+/).filter(Boolean);
  if (action === 'list') return { type: 'workflows' };
  if (action === 'run' && name !== '')
    return { type: 'run_workflow', name, payload: payload.length === 0 ? null : payload.join(' ') };
  return { type: 'incomplete', usage: '/workflow list, or /workflow run NAME [JSON]' };
}

function blackboardLine(rest: string): ReplLine {
  const [, action = '', key = '', value = ''] = /^(\S*)\s*(\S*)\s*([\s\S]*)$/.exec(rest) ?? [];
  const whole = { type: 'blackboard', key, value } as const;
  if (action === '' || action === 'list') return { ...whole, action: 'list' };
  if ((action === 'get' || action === 'del') && key !== '') return { ...whole, action };
  if (action === 'set' && key !== '' && value !== '') return { ...whole, action };
  return { type: 'incomplete', usage: '/blackboard list [PREFIX], get KEY, set KEY VALUE, or del KEY' };
}
