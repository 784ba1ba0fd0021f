import type { PictureType } from '../history/entry.ts';

export interface PictureHeader {
  mediaType: PictureType;
  width: number;
  height: number;
}

/**
 * What a file is and how large in pixels, by its first bytes, whatever its name says; undefined for what is none of
 * the four formats that every model with eyes takes (PNG, JPEG, GIF, WebP), so also for SVG, which is text.
 */
export function pictureHeader(bytes: Buffer): PictureHeader | undefined {
  try {
    const found = png(bytes) ?? jpeg(bytes) ?? gif(bytes) ?? webp(bytes);
    return found && found.width > 0 && found.height > 0 ? found : undefined;
  } catch (error) {
    // Cut off within its header.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const at = (bytes: Buffer, from: number, length: number) => bytes.toString('latin1', from, from + length);

function png(bytes: Buffer): PictureHeader | undefined {
  if (at(bytes, 0, 8) !== '\x89PNG\r\n\x1a\n' || at(bytes, 12, 4) !== 'IHDR') return undefined;
  return { mediaType: 'image/png', width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

/** The size is in the frame header (SOF), behind segments of which each tells its length (ITU T.81, B.1.1.3). */
function jpeg(bytes: Buffer): PictureHeader | undefined {
  if (at(bytes, 0, 3) !== '\xff\xd8\xff') return undefined;
  for (let place = 2; bytes.readUInt8(place) === 0xff; place += 2 + bytes.readUInt16BE(place + 2)) {
    while (bytes.readUInt8(place + 1) === 0xff) place++;
    const marker = bytes.readUInt8(place + 1);
    if (marker < 0xc0 || marker > 0xcf || [0xc4, 0xc8, 0xcc].includes(marker)) continue;
    const [height, width] = [bytes.readUInt16BE(place + 5), bytes.readUInt16BE(place + 7)];
    return { mediaType: 'image/jpeg', width, height };
  }
  return undefined;
}

function gif(bytes: Buffer): PictureHeader | undefined {
  if (!/^GIF8[79]a$/.test(at(bytes, 0, 6))) return undefined;
  return { mediaType: 'image/gif', width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) };
}

/** Three forms of the first chunk: extended, lossless and lossy (RFC 9649, 2.5 to 2.7). */
function webp(bytes: Buffer): PictureHeader | undefined {
  if (at(bytes, 0, 4) !== 'RIFF' || at(bytes, 8, 4) !== 'WEBP') return undefined;
  const mediaType = 'image/webp';
  const bits = bytes.readUInt32LE(21);
  switch (at(bytes, 12, 4)) {
    case 'VP8X':
      return { mediaType, width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
    case 'VP8L':
      return { mediaType, width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    case 'VP8 ':
      return { mediaType, width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
    default:
      return undefined;
  }
}
