import type { Recording } from '@openlegion/contract/recording';
import type { Script } from '@openlegion/contract/scripted-script';

const MOST_RULES = 500;
const MOST_ASKED = 200;
/** Identifiers and times, which are others at the next run. */
const VARYING = /\b(?:msg|trc|wfr|apr|evt)_[0-9a-z]+|\b[0-9a-f]{8,}\b|\d{4}-\d{2}-\d{2}T[0-9:.]+Z?/g;
/** What no prompt frames, escapes or cuts out. */
const PLAIN = /[\p{L}\p{N} .,;:!?()_/-]+/gu;

/**
 * The script by which the scripted model plays an agent's part: of each message and each round, what was answered then.
 * A message is told from another by a part of its text, so of two alike the first one's answers are given to both.
 */
export function recordingScript(recording: Recording, agent: string): Script {
  const rules: Script['rules'] = [];
  for (const message of recording.messages) {
    if (message.agent !== agent || message.rounds === null) continue;
    let asked = askedIn(message.text);
    let round = 0;
    for (const { after, text, calls } of message.rounds) {
      if (after !== null) {
        asked = askedIn(after);
        round = 0;
      }
      if (rules.length < MOST_RULES)
        rules.push({
          when: { asked, round },
          answer: {
            text,
            verbatim: true,
            ...(calls.length > 0
              ? { calls: calls.map((call) => ({ tool: call.tool, arguments: argumentsOf(call.arguments) })) }
              : {}),
          },
        });
      round += 1;
    }
  }
  return {
    description: `The part of ${agent} in ${recording.traceId}`,
    rules,
    otherwise: { text: 'The recording has no answer for this.', verbatim: true },
  };
}

/** The longest part of a text that stands in a prompt as it is. */
export function askedIn(text: string): string {
  const parts = text.replace(VARYING, '\n').match(PLAIN) ?? [''];
  const [longest = ''] = parts.map((part) => part.trim()).sort((a, b) => b.length - a.length);
  return longest.slice(0, MOST_ASKED);
}

/** What was no JSON object then is given as one that a tool refuses in the same way. */
function argumentsOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // The scripted model writes objects alone.
  }
  return { malformed: text };
}
