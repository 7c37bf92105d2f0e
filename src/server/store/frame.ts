import { crc32 } from 'node:zlib';

/**
 * How a file of the log is divided: frames, one behind the other, each of them one write. A frame is the length of its
 * payload, the CRC-32 of the payload, and the CRC-32 of these two with the place where the frame stands: the number of
 * the file and the position in it. So what has come to stand elsewhere is no frame, and neither is what a torn write has
 * left. Numbers are big endian; a frame begins at a multiple of eight bytes.
 */
export const FRAME_HEAD_BYTES = 12;
const ALIGNMENT = 8;

export interface Frame {
  readonly at: number;
  readonly payload: Buffer;
  /** Where the next one begins. */
  readonly end: number;
}

const place = Buffer.alloc(20);

function checkOf(file: number, at: number, length: number, checksum: number): number {
  place.writeUIntBE(file, 0, 6);
  place.writeUIntBE(at, 6, 6);
  place.writeUInt32BE(length, 12);
  place.writeUInt32BE(checksum, 16);
  return crc32(place);
}

function endOf(at: number, length: number): number {
  return Math.ceil((at + FRAME_HEAD_BYTES + length) / ALIGNMENT) * ALIGNMENT;
}

/** The bytes that stand at `at` in this file, up to where the next frame begins. */
export function encodeFrame(file: number, at: number, parts: readonly Buffer[]): Buffer {
  let length = 0;
  let checksum = 0;
  for (const part of parts) {
    length += part.length;
    checksum = crc32(part, checksum);
  }
  const head = Buffer.allocUnsafe(FRAME_HEAD_BYTES);
  head.writeUInt32BE(length, 0);
  head.writeUInt32BE(checksum, 4);
  head.writeUInt32BE(checkOf(file, at, length, checksum), 8);
  const padding = Buffer.alloc(endOf(at, length) - at - FRAME_HEAD_BYTES - length);
  return Buffer.concat([head, ...parts, padding]);
}

/** The frame that begins at `at`; undefined when there is none that is whole. */
export function readFrame(file: number, bytes: Buffer, at: number): Frame | undefined {
  if (!hasHead(file, bytes, at)) return undefined;
  const length = bytes.readUInt32BE(at);
  const begin = at + FRAME_HEAD_BYTES;
  if (begin + length > bytes.length) return undefined;
  const payload = bytes.subarray(begin, begin + length);
  if (crc32(payload) !== bytes.readUInt32BE(at + 4)) return undefined;
  return { at, payload, end: endOf(at, length) };
}

/** Whether a frame begins anywhere behind `at`. */
export function hasFrameBehind(file: number, bytes: Buffer, at: number): boolean {
  const next = (Math.floor(at / ALIGNMENT) + 1) * ALIGNMENT;
  for (let later = next; later < bytes.length; later += ALIGNMENT) {
    if (hasHead(file, bytes, later)) return true;
  }
  return false;
}

function hasHead(file: number, bytes: Buffer, at: number): boolean {
  if (at + FRAME_HEAD_BYTES > bytes.length) return false;
  const length = bytes.readUInt32BE(at);
  // Zeros: most of what is looked at.
  if (length === 0) return false;
  const check = checkOf(file, at, length, bytes.readUInt32BE(at + 4));
  return check === bytes.readUInt32BE(at + 8);
}
