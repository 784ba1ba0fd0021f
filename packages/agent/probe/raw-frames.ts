/** Frames of HTTP/2 (RFC 9113, section 4.1) as bytes, for the attacks on the wire. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const SETTINGS = Buffer.concat([frame(4, 0, 0), frame(4, 1, 0)]);

/** Bytes of the inner session, in DATA frames of the stream that carries it. */
export function onInner(bytes: Buffer): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 16_384)
    frames.push(frame(0, 0, 1, bytes.subarray(at, at + 16_384)));
  return Buffer.concat(frames);
}

/** An agent's opening: settings, 200 to CONNECT mesh (the host's stream 1), the inner session's preface. */
export const OPENING = Buffer.concat([
  SETTINGS,
  frame(1, 4, 1, Buffer.from([0x88])),
  onInner(Buffer.concat([PREFACE, SETTINGS])),
]);

/** HEADERS of `POST /x` on `stream` of the inner session, not ended. */
export function request(stream: number): Buffer {
  const path = Buffer.from([0x04, 0x02, 0x2f, 0x78]);
  const authority = Buffer.concat([Buffer.from([0x01, 0x04]), Buffer.from('mesh')]);
  return frame(1, 4, stream, Buffer.concat([Buffer.from([0x83, 0x86]), path, authority]));
}
