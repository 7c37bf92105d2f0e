import {
  type ClientDuplexStream,
  credentials,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
} from '@grpc/grpc-js';
import { Coordinator, CoordinatorService, MAX_MESSAGE_BYTES } from '../../src/protocol/contract.js';
import type { ClientFrame, ClientMessage, ServerFrame, ServerMessage } from '../../src/protocol/frames.js';
import type { Dice } from '../simulation/dice.js';

type FromClient = ServerDuplexStream<ClientMessage, ServerMessage>;
type ToCoordinator = ClientDuplexStream<ClientMessage, ServerMessage>;

/** How often a frame is sent twice, held back so that later ones overtake it, or followed by an old one. */
const REPEATED = 0.1;
const HELD = 0.1;
const REPLAYED = 0.1;
const LONGEST_HOLD_MS = 40;
/** Old frames that a stream remembers for replays, in each direction. */
const REMEMBERED = 2_000;

const SIZES = {
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.use_local_subchannel_pool': 1,
};

/** What makes a stream what it is comes once and first. Everything else may come twice, late, and out of order. */
const ORDERED: ReadonlySet<string> = new Set(['hello', 'welcome', 'enlistResource', 'withdrawResource']);

/** Stands between clients and coordinator, understands their frames, and repeats, reorders and replays them. */
export class FrameProxy {
  readonly #server = new Server({ ...SIZES });
  readonly #target: string;
  readonly #dice: Dice;
  #port = 0;
  #disturbed = 0;

  private constructor(target: string, dice: Dice) {
    this.#target = target;
    this.#dice = dice;
  }

  static async start(target: string, dice: Dice): Promise<FrameProxy> {
    const proxy = new FrameProxy(target, dice);
    proxy.#server.addService(CoordinatorService, { connect: (call: FromClient) => proxy.#accept(call) });
    proxy.#port = await new Promise<number>((resolve, reject) => {
      proxy.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
        if (error !== null) reject(error);
        else resolve(port);
      });
    });
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Frames that came twice, late or again. */
  get disturbed(): number {
    return this.#disturbed;
  }

  async stop(): Promise<void> {
    this.#server.forceShutdown();
  }

  #accept(call: FromClient): void {
    const client = new Coordinator(this.#target, credentials.createInsecure(), SIZES);
    const stream = (client as unknown as { Connect(): ToCoordinator }).Connect();
    const up = this.#disturber<ClientFrame>((frame) => stream.write({ frames: [frame] }));
    const down = this.#disturber<ServerFrame>((frame) => call.write({ frames: [frame] }));
    let over = false;
    const end = () => {
      if (over) return;
      over = true;
      up.stop();
      down.stop();
      stream.cancel();
      client.close();
      call.end();
    };
    call.on('data', (message: ClientMessage) => message.frames.forEach(up.take));
    stream.on('data', (message: ServerMessage) => message.frames.forEach(down.take));
    for (const event of ['end', 'error', 'cancelled', 'close']) call.on(event, end);
    for (const event of ['end', 'error']) stream.on(event, end);
  }

  #disturber<Frame extends ClientFrame | ServerFrame>(send: (frame: Frame) => void) {
    const old: Frame[] = [];
    const timers = new Set<NodeJS.Timeout>();
    const dice = this.#dice;
    const disturb = () => {
      this.#disturbed += 1;
    };
    const later = (frame: Frame) => {
      const timer = setTimeout(
        () => {
          timers.delete(timer);
          send(frame);
        },
        dice.between(1, LONGEST_HOLD_MS),
      );
      timers.add(timer);
    };
    const take = (frame: Frame) => {
      if (ORDERED.has(frame.body)) {
        send(frame);
        return;
      }
      if (dice.chance(HELD)) {
        disturb();
        later(frame);
      } else send(frame);
      if (dice.chance(REPEATED)) {
        disturb();
        later(frame);
      }
      if (old.length > 0 && dice.chance(REPLAYED)) {
        disturb();
        send(dice.pick(old));
      }
      if (old.length < REMEMBERED) old.push(frame);
      else old[dice.under(REMEMBERED)] = frame;
    };
    const stop = () => {
      for (const timer of timers) clearTimeout(timer);
    };
    return { take, stop };
  }
}
