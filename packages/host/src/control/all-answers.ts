import type { ControlApp } from './control-server.ts';

const PATHS = [
  '/api/status',
  '/api/costs',
  '/api/models',
  '/api/credentials',
  '/api/blackboard?limit=500',
  '/api/tasks?limit=200',
  '/api/topics',
  '/api/dead-letters?limit=500',
  '/api/permissions',
  '/api/tokens',
  '/api/traces?limit=200',
  '/api/approvals',
  '/api/workflows',
  '/api/workflow-runs',
  '/api/mcp/tools',
  '/api/audit?limit=1000',
  '/api/audit?limit=1000&chain=keeper',
];

/** What the control API answers to everything that can be asked without an argument, for the search for secrets. */
export async function allAnswers(app: ControlApp, token: string): Promise<{ name: string; text: string }[]> {
  const headers = { host: '127.0.0.1', authorization: `Bearer ${token}` };
  return Promise.all(
    PATHS.map(async (path) => {
      const answer = await app.request(path, { headers });
      return { name: `GET ${path}`, text: JSON.stringify([...answer.headers]) + (await answer.text()) };
    }),
  );
}
