/** A script of the scripted model that calls a tool when it is sent a name, and then answers with what that gave. */
export function callScript(calls: Record<string, readonly [tool: string, input: object]>): string {
  return JSON.stringify({
    rules: [
      ...Object.entries(calls).map(([name, [tool, input]]) => ({
        when: { user: `/^${name}$/`, round: 0 },
        answer: { calls: [{ tool, arguments: input }] },
      })),
      ...[...new Set(Object.values(calls).map(([tool]) => tool))].map((tool) => ({
        when: { tool },
        answer: { text: '{{result}}' },
      })),
    ],
    otherwise: { text: 'no such call' },
  });
}
