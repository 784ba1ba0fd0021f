import { z } from 'zod';

/** What the keeper's record of a request to the outside says besides; each is absent where it is not known. */
export const EgressDetail = z.object({
  request: z.string().optional(),
  method: z.string().optional(),
  path: z.string().optional(),
  mode: z.string().optional(),
  credential: z.string().optional(),
  httpStatus: z.number().optional(),
  bytesUp: z.number().optional(),
  bytesDown: z.number().optional(),
  /** Requests like it that have no record of their own. */
  unrecorded: z.number().optional(),
});
export type EgressDetail = z.infer<typeof EgressDetail>;

/** The `detail` of an audit record. One of another version still has its who, where and verdict: it gives `{}`. */
export function parseEgressDetail(json: string): EgressDetail {
  try {
    return EgressDetail.parse(JSON.parse(json));
  } catch {
    return {};
  }
}
