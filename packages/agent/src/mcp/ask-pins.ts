import { type PinState, type ReportTools, ToolPins } from '@openlegion/contract/tool-pins';
import type { MeshClient } from '../pipe/pipe.ts';
import { answerOfMesh } from '../tools/answer-of-mesh.ts';

const ASK_MS = 20_000;

/** What holds of each tool by its name, as the host says. Rejects where it says nothing: then no tool is used. */
export type AskPins = (report: ReportTools) => Promise<ReadonlyMap<string, PinState>>;

/** Asks once for what a server says: what holds goes on holding, and only what waits for a person is asked again. */
export function createAskPins(mesh: MeshClient): AskPins {
  const answered = new Map<string, { said: string; pins: ReadonlyMap<string, PinState> }>();
  return async (report) => {
    const said = JSON.stringify(report.tools);
    const before = answered.get(report.server);
    if (before?.said === said && [...before.pins.values()].every((state) => state === 'pinned'))
      return before.pins;
    const answer = await answerOfMesh(mesh, AbortSignal.timeout(ASK_MS), '/mesh/tool-pins', report);
    const pins = new Map(ToolPins.parse(answer).tools.map(({ name, state }) => [name, state]));
    answered.set(report.server, { said, pins });
    return pins;
  };
}
