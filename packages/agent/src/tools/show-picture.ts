import { LOOP_LIMITS } from '../loop/limits.ts';
import { pictureHeader } from './picture-header.ts';
import type { ToolResult } from './tool.ts';

/**
 * `about`, with what kind of picture `bytes` are, and the picture itself for models that can see. One that is too
 * large is told and not shown; undefined for what is no picture. `size`: of the whole, where `bytes` are its start.
 */
export function showPicture(about: string, bytes: Buffer, size = bytes.length): ToolResult | undefined {
  const header = pictureHeader(bytes);
  if (header === undefined) return undefined;
  const { mediaType, width, height } = header;
  const output = `${about} (${mediaType}, ${width}×${height} pixels, ${size} bytes)`;
  const { pictureBytes, picturePixels } = LOOP_LIMITS;
  if (size <= pictureBytes && Math.max(width, height) <= picturePixels)
    return { outcome: 'ok', output, picture: { mediaType, bytes } };
  const most = `${pictureBytes / 1024 / 1024} MiB and ${picturePixels} pixels wide and high`;
  return { outcome: 'ok', output: `${output}\n[not shown: more than ${most}; make a smaller one of it]` };
}
