import type { Guarantee } from '@openlegion/contract/control-api';
import { createSecretSearch } from '@openlegion/contract/secret-forms';
import type { Echoed } from './echo-upstream.ts';
import { judged, lines } from './guarantee.ts';
import type { EgressAnswers } from './observations.ts';
import type { PromiseId } from './promises.ts';

type Answers = EgressAnswers['answers'];

const statusOf = (text: string) => /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 'none';
/** Refused by the proxy itself, with a reason; anything else may have reached something. */
const isRefusal = (text: string) =>
  ['400', '403', '421'].includes(statusOf(text)) && text.includes('openlegion_refusal');

function judgeRefused(id: PromiseId, asked: readonly string[], answers: Answers, why: string): Guarantee {
  const tried = asked.map((what, index) => {
    const { answer, proxy, error } = answers[index] ?? { answer: '', proxy: '', error: '' };
    return { what, said: answer || proxy, error };
  });
  const wrong = tried.filter(({ said }) => !isRefusal(said));
  return judged(id, {
    holds: asked.length > 0 && answers.length === asked.length,
    wrong: wrong.map(({ what, said, error }) => `${what}: ${JSON.stringify(said.slice(0, 200))} ${error}`),
    evidence: lines(
      tried.map(({ what, said }) => `${what}: ${statusOf(said)}`),
      40,
    ),
    why,
  });
}

export function judgeDeny(asked: readonly string[], { answers }: EgressAnswers): Guarantee {
  return judgeRefused(
    'egress.default-deny',
    asked,
    answers,
    'The proxy lets an agent reach what it was not granted.',
  );
}

/** `reached`: requests that arrived at the server on loopback meanwhile. */
export function judgeAddresses(
  asked: readonly string[],
  { answers }: EgressAnswers,
  reached: number,
): Guarantee {
  const verdict = judgeRefused(
    'egress.private-addresses',
    asked,
    answers,
    'The proxy can be used to reach this machine or its network.',
  );
  if (reached === 0) return verdict;
  const evidence = `${reached} requests arrived at a server on loopback\n${verdict.evidence}`;
  return judged('egress.private-addresses', { holds: false, evidence, why: 'The proxy reaches loopback.' });
}

/** `own` was verified against the agent's authority, `other` against another agent's (null where there is none). */
export function judgeAuthority(
  own: Answers[number] | undefined,
  other: Answers[number] | undefined | null,
): Guarantee {
  const holds =
    own?.tls === 'verified' &&
    own.error === '' &&
    (other === null || (other !== undefined && other.tls === ''));
  return judged('egress.own-authority', {
    holds,
    evidence: [
      `against its own authority: ${own?.tls || own?.error || 'no answer'}; signed by ${own?.issuer ?? ''}`,
      other === null
        ? 'there is no other agent to compare with'
        : `against another agent's authority: ${other?.tls || other?.error || 'no answer'}`,
    ].join('\n'),
    why: 'TLS to the outside is not ended under the agent’s own authority.',
  });
}

/** `sent` is what the bound host got to see; that value is searched for in all that came back into the container. */
export function judgeBound(sent: readonly Echoed[], answers: Answers): Guarantee {
  const values = [...new Set(sent.map(({ authorization }) => authorization.replace(/^Bearer /, '')))];
  const [value] = values;
  const set = values.length === 1 && value !== undefined && value.length >= 30 && !value.includes('olp_');
  const find = set ? createSecretSearch(value.slice(0, 12)) : () => [];
  const hits = answers.flatMap(({ proxy, answer }) =>
    [proxy, answer, unchunked(answer)].flatMap((text) => find(Buffer.from(text, 'latin1'))),
  );
  const echoed = answers.filter(({ answer }) => unchunked(answer).includes('echoed')).length;
  return judged('egress.bound-credential', {
    holds: set && sent.length > 0 && echoed > 0 && hits.length === 0,
    evidence: `${sent.length} requests arrived at the bound host, ${set ? 'each with the credential' : 'not with one credential'}; ${echoed} answers that repeat it in header, body, trailer, base64 and percent form came back, the credential in ${hits.length} places`,
    why: set
      ? 'A service that repeats a credential gives it to the agent.'
      : 'The credential was not set where it is bound to, so nothing is known of its way back.',
  });
}

export function judgeElsewhere(
  asked: readonly string[],
  { answers }: EgressAnswers,
  reached: readonly Echoed[],
): Guarantee {
  const wrong = asked.filter((_, index) => !isRefusal(answers[index]?.answer ?? ''));
  return judged('egress.placeholder-elsewhere', {
    holds: asked.length > 0 && wrong.length === 0 && reached.length === 0,
    evidence: lines([
      ...asked.map(
        (what, index) => `${what}: ${statusOf(answers[index]?.answer ?? '')} ${answers[index]?.error ?? ''}`,
      ),
      `${reached.length} of them reached a server`,
    ]),
    why: 'A placeholder is sent, or swapped, where its credential is not bound to.',
  });
}

/** What a chunked answer says, whatever the pieces it came in; another answer as it is. */
function unchunked(answer: string): string {
  const [head = '', ...rest] = answer.split('\r\n\r\n');
  if (!/^transfer-encoding: *chunked/im.test(head)) return answer;
  let body = rest.join('\r\n\r\n');
  let text = '';
  for (;;) {
    const [line = '', digits = ''] = /^([0-9a-f]+)[^\r\n]*\r\n/i.exec(body) ?? [];
    const bytes = Number.parseInt(digits, 16);
    if (!(bytes > 0)) return `${head}\r\n\r\n${text}${body}`;
    text += body.slice(line.length, line.length + bytes);
    body = body.slice(line.length + bytes + 2);
  }
}
