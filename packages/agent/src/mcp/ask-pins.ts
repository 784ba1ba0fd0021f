import { type PinState, type ReportTools, ToolPins } from '@openlegion/contract/tool-pins';
import type { MeshClient } from '../pipe/pipe.ts';
import { answerOfMesh } from '../tools/answer-of-mesh.ts';

const ASK_MS = 20_000;

/** What holds of each tool by its name, as the host says. Rejects where it says nothing: then no tool is used. */
export type AskPins = (report: ReportTools) => Promise<ReadonlyMap<string, PinState>>;

export function createAskPins(mesh: MeshClient): AskPins {
  return async (report) => {
    const answer = await answerOfMesh(mesh, AbortSignal.timeout(ASK_MS), '/mesh/tool-pins', report);
    return new Map(ToolPins.parse(answer).tools.map(({ name, state }) => [name, state]));
  };
}
