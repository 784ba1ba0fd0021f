import type { RecordedMessage, RecordedRound, Recording } from '@openlegion/contract/recording';

/** One thing that is compared: a call, an end, a message as a whole. */
export interface ReplayStep {
  agent: string;
  /** `round 2: exec {"command":…}`, `end`, `message from researcher`. */
  what: string;
  recorded: string;
  now: string;
  verdict: 'same' | 'different' | 'not_compared';
}

const IDENTIFIERS = /\b(msg|trc|wfr|apr|evt)_[0-9a-z]+/g;
const TIMES = /\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z?/g;
const CONTAINER = /\b[0-9a-f]{12}(?:[0-9a-f]{52})?\b/g;

/**
 * Everything of a recording beside what the replay of it did, in the order in which it was recorded. Identifiers and
 * times are taken for the same; what was asked of the outside world is not compared.
 */
export function compareRecordings(
  recorded: Recording,
  now: Recording,
  only: string | null = null,
): ReplayStep[] {
  const left = now.messages.filter((message) => only === null || message.agent === only);
  const steps: ReplayStep[] = [];
  for (const message of recorded.messages) {
    if (only !== null && message.agent !== only) continue;
    const at = left.findIndex(
      (other) => other.agent === message.agent && plain(other.text) === plain(message.text),
    );
    const near = at === -1 ? left.findIndex(({ agent }) => agent === message.agent) : at;
    const [other] = near === -1 ? [] : left.splice(near, 1);
    if (other) steps.push(...compareMessages(message, other, only !== null));
    else
      steps.push({
        agent: message.agent,
        what: `message from ${message.from}`,
        recorded: message.text,
        now: 'there is none',
        verdict: 'different',
      });
    // One message of one agent is what is played.
    if (only !== null) return steps;
  }
  if (only === null) steps.push(...compareRuns(recorded, now));
  for (const { agent, from, text } of left)
    steps.push({
      agent,
      what: `message from ${from}`,
      recorded: 'there was none',
      now: text,
      verdict: 'different',
    });
  return steps;
}

/** How the runs of workflows ended, in the order in which they began. */
function compareRuns(then: Recording, now: Recording): ReplayStep[] {
  return Array.from({ length: Math.max(then.runs.length, now.runs.length) }, (_, index): ReplayStep => {
    const [recorded, played] = [then.runs[index], now.runs[index]].map((run) =>
      run ? `${run.workflow}: ${run.status}` : 'there was none',
    );
    return {
      ...{ agent: 'workflow', what: 'end of the run', recorded: recorded ?? '', now: played ?? '' },
      verdict: recorded === played ? 'same' : 'different',
    };
  });
}

function compareMessages(then: RecordedMessage, now: RecordedMessage, alone: boolean): ReplayStep[] {
  const { agent } = then;
  const step = (what: string, recorded: string, played: string): ReplayStep => ({
    ...{ agent, what, recorded, now: played },
    verdict: plain(recorded) === plain(played) ? 'same' : 'different',
  });
  const steps: ReplayStep[] = [];
  if (!alone)
    steps.push(step(`message from ${then.from}`, `${then.from}: ${then.text}`, `${now.from}: ${now.text}`));
  if (then.rounds === null)
    steps.push({ ...step('rounds', '', ''), recorded: 'not known', now: '', verdict: 'not_compared' });
  for (const [index, round] of (then.rounds ?? []).entries())
    steps.push(...compareRounds(agent, index + 1, round, now.rounds?.[index], then.outside));
  for (const [index, { text, calls }] of (now.rounds ?? []).slice(then.rounds?.length ?? 0).entries()) {
    if (then.rounds === null) break;
    const what = `round ${then.rounds.length + index + 1}`;
    steps.push({
      agent,
      what,
      recorded: 'there was none',
      now: callsOf(calls) || text,
      verdict: 'different',
    });
  }
  steps.push(step('end', endOf(then), endOf(now)));
  return steps;
}

function compareRounds(
  agent: string,
  number: number,
  then: RecordedRound,
  now: RecordedRound | undefined,
  outside: readonly string[],
): ReplayStep[] {
  if (!now)
    return [
      {
        ...{ agent, what: `round ${number}`, recorded: callsOf(then.calls) || then.text },
        ...{ now: 'it did not come to it', verdict: 'different' },
      },
    ];
  if (then.calls.length === 0 && now.calls.length === 0) return [];
  const most = Math.max(then.calls.length, now.calls.length);
  return Array.from({ length: most }, (_, index): ReplayStep => {
    const [call, other] = [then.calls[index], now.calls[index]];
    const what = `round ${number}: ${callsOf([call ?? other].flatMap((one) => one ?? []))}`;
    const [recorded, played] = [call, other].map((one) =>
      one ? `${one.outcome}: ${one.output}` : 'there was none',
    );
    const same = call && other && callsOf([call]) === callsOf([other]);
    if (same && outside.includes(call.callId))
      return {
        agent,
        what,
        recorded: recorded ?? '',
        now: 'the outside world is not asked',
        verdict: 'not_compared',
      };
    const verdict = same && plain(recorded ?? '') === plain(played ?? '') ? 'same' : 'different';
    return { agent, what, recorded: recorded ?? '', now: played ?? '', verdict };
  });
}

function callsOf(calls: readonly { tool: string; arguments: string }[]): string {
  return calls.map((call) => `${call.tool} ${plain(call.arguments)}`).join(', ');
}

function endOf({ status, reply, refusal }: RecordedMessage): string {
  return `${status}${refusal === null ? '' : ` [${refusal}]`}: ${reply ?? ''}`;
}

function plain(text: string): string {
  return text.replace(IDENTIFIERS, '$1_…').replace(TIMES, '…').replace(CONTAINER, '…').trim();
}
