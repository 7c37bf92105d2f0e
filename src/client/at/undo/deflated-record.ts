import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createDeflate, createInflate } from 'node:zlib';
import type { UndoRecord } from '../image/row.js';
import { FRAME_HEAD_BYTES, type Frame, RecordReader, recordPieces } from './record-bytes.js';

/** Small pieces share a write: each costs the stream more than its bytes. */
const GATHER_BYTES = 64 * 1024;

function* gathered(record: UndoRecord): Generator<Buffer> {
  let waiting: Buffer[] = [];
  let bytes = 0;
  for (const pieces of recordPieces(record)) {
    for (const piece of pieces) {
      waiting.push(piece);
      bytes += piece.length;
      if (bytes < GATHER_BYTES) continue;
      yield* waiting.length === 1 ? waiting : [Buffer.concat(waiting)];
      waiting = [];
      bytes = 0;
    }
  }
  yield Buffer.concat(waiting);
}

/** Cuts a stream of bytes into parts of one length, the last of which may be shorter. */
async function* parts(bytes: AsyncIterable<Buffer>, length: number): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let room = length;
  for await (let chunk of bytes) {
    while (chunk.length >= room) {
      yield Buffer.concat([...waiting, chunk.subarray(0, room)]);
      chunk = chunk.subarray(room);
      waiting = [];
      room = length;
    }
    if (chunk.length > 0) waiting.push(chunk);
    room -= chunk.length;
  }
  if (waiting.length > 0) yield Buffer.concat(waiting);
}

/**
 * Deflates a record off the event loop and hands it on in parts, the next one made when the one before is taken: no
 * more than a few of them are in memory.
 */
export function deflateRecord(
  record: UndoRecord,
  partBytes: number,
  take: (part: Buffer) => Promise<void>,
): Promise<void> {
  return pipeline(
    Readable.from(gathered(record)),
    createDeflate({ level: 1 }),
    async (deflated: AsyncIterable<Buffer>) => {
      for await (const part of parts(deflated, partBytes)) await take(part);
    },
  );
}

/** Cuts a stream of bytes into the frames of a record. */
async function* frames(bytes: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let waiting: Buffer[] = [];
  let there = 0;
  let wanted = FRAME_HEAD_BYTES;
  for await (const chunk of bytes) {
    waiting.push(chunk);
    there += chunk.length;
    if (there < wanted) continue;
    let all = Buffer.concat(waiting);
    for (;;) {
      wanted = FRAME_HEAD_BYTES;
      if (all.length < wanted) break;
      wanted += all.readUInt32BE(1);
      if (all.length < wanted) break;
      yield { kind: all.readUInt8(0), content: all.subarray(FRAME_HEAD_BYTES, wanted) };
      all = all.subarray(wanted);
    }
    waiting = [all];
    there = all.length;
  }
  if (there > 0) throw new RangeError('the last frame is not whole');
}

/** Reads back what `deflateRecord` has made, from its parts in their order. */
export async function inflateRecord(deflated: AsyncIterable<Buffer>): Promise<UndoRecord> {
  const reader = new RecordReader();
  await pipeline(
    Readable.from(deflated),
    createInflate({ chunkSize: GATHER_BYTES }),
    async (bytes: AsyncIterable<Buffer>) => {
      for await (const frame of frames(bytes)) reader.add(frame);
    },
  );
  return reader.record;
}
