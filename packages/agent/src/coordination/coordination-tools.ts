import type { MeshClient } from '../pipe/pipe.ts';
import type { AnyTool } from '../tools/tool.ts';
import { createPublishEvent, createSubscribeEvent } from './event-tools.ts';
import {
  createListSharedState,
  createReadSharedState,
  createWriteSharedState,
} from './shared-state-tools.ts';
import { createCheckInbox, createCompleteTask, createUpdateStatus } from './task-tools.ts';

/** Shared state, topics and tasks, as a model has them. What each may touch is decided by the host, at every call. */
export function coordinationTools(mesh: MeshClient): AnyTool[] {
  return [
    createReadSharedState(mesh),
    createWriteSharedState(mesh),
    createListSharedState(mesh),
    createPublishEvent(mesh),
    createSubscribeEvent(mesh),
    createCheckInbox(mesh),
    createUpdateStatus(mesh),
    createCompleteTask(mesh),
  ];
}
