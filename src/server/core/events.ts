import type { ClientBody, Resolution, ServerBody } from '../../protocol/frames.js';
import type { StoreChange } from '../store/store.js';

/** Names one stream, for as long as it lives. Given out by the shell; never used twice. */
export type SessionId = number;

/** What happens to the coordinator, in the words of the wire. */
export type CoreEvent =
  /** A frame arrived. The first of a session is `hello`. */
  | { readonly type: 'frame'; readonly session: SessionId; readonly id: number; readonly body: ClientBody }
  /** The stream is gone. */
  | { readonly type: 'disconnected'; readonly session: SessionId }
  /** Time has passed: whatever is due at `now` happens. */
  | { readonly type: 'tick' }
  /** The coordinator ends cleanly: what it could find out again after a crash is written, too. */
  | { readonly type: 'closing' }
  /**
   * A person has put right what a branch stumbled over: its phase two is tried again at once. An empty
   * `branchId` means every branch of the transaction.
   */
  | { readonly type: 'retry'; readonly xid: string; readonly branchId: string }
  /** A person has decided of a branch that needs one; its phase two goes on with that. */
  | {
      readonly type: 'resolve';
      readonly xid: string;
      readonly branchId: string;
      readonly resolution: Exclude<Resolution, 'UNRESOLVED'>;
    }
  /** A person rolls an undecided transaction back. */
  | { readonly type: 'rollback'; readonly xid: string };

/**
 * What the shell must do. Messages of a step leave only after all store changes of that step, and of all
 * steps before it, are durable. The store changes of one step are one write: all or none.
 */
export type Effect =
  | { readonly type: 'store'; readonly change: StoreChange }
  | { readonly type: 'send'; readonly session: SessionId; readonly id: number; readonly body: ServerBody }
  /** The session broke the contract: the message is sent, then its stream is ended. */
  | { readonly type: 'end'; readonly session: SessionId; readonly code: string; readonly message: string };
