import type { RawValue } from '../at/executor.js';
import type { CoreCommand, CoreConnection } from './core.js';
import type { LastAnswer } from './last-answer.js';

/** A packet of mysql2's, by structure: four bytes of the protocol's head, then its content. */
interface Packet {
  readonly sequenceId: number;
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
  isEOF(): boolean;
  readonly constructor: NewableFunction;
}

const HEAD_BYTES = 4;

/** Behind the column definitions, and behind the rows. */
const EOFS = { rows: 1, end: 2 };

function like(packet: Packet, content: Buffer): Packet {
  const buffer = Buffer.concat([Buffer.alloc(HEAD_BYTES), content]);
  return Reflect.construct(packet.constructor, [packet.sequenceId, buffer, 0, buffer.length]) as Packet;
}

/** Length-encoded, as both protocols send text. */
function encoded(value: Buffer): Buffer {
  if (value.length < 251) return Buffer.concat([Buffer.of(value.length), value]);
  const head = Buffer.of(0xfc, value.length & 0xff, value.length >> 8);
  return Buffer.concat([head, value]);
}

/** The values of a row in the text protocol, each with its length. */
function textValues(row: Buffer): Buffer[] {
  const values: Buffer[] = [];
  for (let from = 0; from < row.length; ) {
    const first = row[from]!;
    const [head, length] =
      first === 0xfb
        ? [1, 0]
        : first === 0xfc
          ? [3, row.readUInt16LE(from + 1)]
          : first === 0xfd
            ? [4, row.readUIntLE(from + 1, 3)]
            : [1, first];
    values.push(row.subarray(from, from + head + length));
    from += head + length;
  }
  return values;
}

function countsRow(row: Buffer, values: readonly (number | undefined)[], binary: boolean): Buffer {
  if (!binary) {
    const replaced = (own: Buffer, at: number) =>
      values[at] === undefined ? own : encoded(Buffer.from(String(values[at])));
    return Buffer.concat(textValues(row).map(replaced));
  }
  // All of them are BIGINT: eight bytes each, behind the bitmap of NULLs.
  const bytes = Buffer.from(row);
  values.forEach((value, at) => {
    bytes.writeBigInt64LE(BigInt(value!), row.length - 8 * (values.length - at));
  });
  return bytes;
}

/** Level and message are text, the code between them is an INT. */
function listRow([level, code, message]: readonly RawValue[], binary: boolean): Buffer {
  if (!binary) return Buffer.concat([level, code, message].map((value) => encoded(value!)));
  const number = Buffer.alloc(4);
  number.writeInt32LE(Number(code));
  return Buffer.concat([Buffer.of(0, 0), encoded(level!), number, encoded(message!)]);
}

/**
 * Puts an answer in the place of what the server says: the application's command runs on the server, which gives the
 * column definitions, and takes in other values.
 */
export function answerPackets(command: CoreCommand, answer: LastAnswer, binary: boolean): void {
  const execute = command.execute.bind(command);
  let eofs = 0;
  command.execute = (given: unknown, connection: CoreConnection): boolean => {
    if (given === undefined || given === null) return execute(given, connection);
    const packet = given as Packet;
    const content = packet.buffer.subarray(packet.start + HEAD_BYTES, packet.end);
    if (packet.isEOF()) {
      eofs += 1;
      if (eofs === EOFS.end && answer.kind === 'list')
        for (const row of answer.rows) execute(like(packet, listRow(row, binary)), connection);
    } else if (eofs === EOFS.rows) {
      if (answer.kind === 'list') return false;
      return execute(like(packet, countsRow(content, answer.values, binary)), connection);
    }
    return execute(packet, connection);
  };
}
