import type { Refusal } from '@openlegion/contract/refusal';

/** Every way in which a question to a person, or an answer to one, is refused. */
export const approvalRefusals = {
  noApprover: (): Refusal => ({
    code: 'denied',
    rule: 'approval.no_approver',
    message: 'This needs the approval of a person, and nobody is named who could give it.',
    remedy: 'An operator can name somebody under approvals.approvers in config/mesh.yaml.',
  }),
  tooMany: (most: number): Refusal => ({
    code: 'rate_limited',
    rule: 'approval.pending',
    message: `${most} questions of this asker wait for a person already.`,
    remedy: 'Wait until some are answered.',
  }),
  tooLarge: (most: number): Refusal => ({
    code: 'too_large',
    rule: 'approval.subject',
    message: `What would have to be approved is larger than ${most} characters, and nobody could read it.`,
    remedy: 'Ask for less at a time.',
  }),
  keyUsed: (): Refusal => ({
    code: 'conflict',
    rule: 'approval.key',
    message: 'Something else was asked under this key.',
    remedy: 'Use a new key for a new question.',
  }),
  denied: (by: string, note: string): Refusal => ({
    code: 'denied',
    rule: 'approval.denied',
    message: `${by} said no${note === '' ? '.' : `: ${note}`}`,
    remedy: 'Do it in another way, or ask the person who said no.',
  }),
  expired: (): Refusal => ({
    code: 'deadline_exceeded',
    rule: 'approval.expired',
    message: 'Nobody approved it in time.',
    remedy: 'Ask again when somebody is there to answer.',
  }),
  withdrawn: (): Refusal => ({
    code: 'conflict',
    rule: 'approval.withdrawn',
    message: 'What asked is over, so there is nothing left to approve.',
    remedy: 'Ask again.',
  }),
  required: (tool: string): Refusal => ({
    code: 'denied',
    rule: `approval.required`,
    message: `${tool} needs the approval of a person for exactly this call, and there is none that is unused.`,
    remedy: 'Ask with POST /mesh/approvals for these very arguments, and call again when it is approved.',
  }),
  notAskable: (tool: string, rule: string): Refusal => ({
    code: 'denied',
    rule,
    message: `${JSON.stringify(tool.slice(0, 100))} is not granted, and approval is not asked for it.`,
    remedy: 'An operator can set it to "ask" or "allow" under allowed_tools in config/permissions.json.',
  }),
  noTurn: (): Refusal => ({
    code: 'conflict',
    rule: 'approval.no_turn',
    message: 'A person is asked only about what an agent does in a turn, and none is running.',
    remedy: 'Ask while answering a message.',
  }),
  unknown: (): Refusal => ({
    code: 'not_found',
    rule: 'approval.id',
    message: 'There is no such approval.',
    remedy: 'See "./openlegion approvals list".',
  }),
  notPending: (status: string): Refusal => ({
    code: 'conflict',
    rule: 'approval.answered',
    message: `It is ${status} already; an approval is answered once.`,
    remedy: 'See "./openlegion approvals list" for what waits.',
  }),
  carriedOut: (by: string): Refusal => ({
    code: 'conflict',
    rule: 'approval.answered',
    message: `${by} approved it, and it is being carried out.`,
    remedy: 'What an approval changed can be taken back: see "./openlegion egress deny".',
  }),
  spawned: (parent: string): Refusal => ({
    code: 'denied',
    rule: 'approval.spawned',
    message: 'A spawned agent reaches what its parent does, and a host is allowed to its parent alone.',
    remedy: `Have ${parent} ask for the host, and spawn an agent with it.`,
  }),
  otherHash: (): Refusal => ({
    code: 'conflict',
    rule: 'approval.hash',
    message: 'The answer is for something else than what would run.',
    remedy: 'Look at it again with "./openlegion approvals show", and answer what it shows.',
  }),
  notApprover: (name: string): Refusal => ({
    code: 'denied',
    rule: 'approvals.approvers',
    message: `${name} is not named under approvals.approvers, or its token is not one of an approver.`,
    remedy: 'Somebody who is named there can answer, or an admin can name this one in config/mesh.yaml.',
  }),
} as const;
