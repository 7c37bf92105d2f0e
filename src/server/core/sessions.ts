import type { EnlistResource, Hello } from '../../protocol/frames.js';
import { PROTOCOL_VERSION } from '../../protocol/version.js';
import type { SessionId } from './events.js';
import { stopWaiting } from './lock-wait.js';
import type { Resource, Session } from './model.js';
import type { Output } from './output.js';
import { dispatch, pushAgain, resourceIsBack } from './phase-two.js';
import { type CoordinatorState, dropIfIdle, resourceOf } from './state.js';

const LONGEST_CLIENT_ID = 64;

export function openSession(state: CoordinatorState, id: SessionId): Session {
  const session: Session = {
    id,
    clientId: '',
    application: '',
    over: false,
    resources: new Set(),
    pushed: new Set(),
    waiting: new Set(),
    unanswered: 0,
  };
  state.sessions.set(id, session);
  return session;
}

/** The first frame of a stream. */
export function hello(
  state: CoordinatorState,
  out: Output,
  session: Session,
  id: number,
  { protocol, clientId, application }: Hello,
): void {
  if (protocol !== PROTOCOL_VERSION) {
    const message =
      `this coordinator speaks version ${PROTOCOL_VERSION} of the protocol, the client ${protocol}; ` +
      'use versions of globaltx that go together';
    out.fail(session, id, 'PROTOCOL_MISMATCH', message);
    endSession(state, out, session, 'PROTOCOL_MISMATCH', message);
    return;
  }
  if (clientId === '' || Buffer.byteLength(clientId) > LONGEST_CLIENT_ID) {
    endSession(state, out, session, 'MALFORMED_FRAME', 'a client id has 1 to 64 bytes');
    return;
  }
  if (state.sessions.size > state.config.maxSessions) {
    out.exhausted(session, id, 'maxSessions');
    endSession(state, out, session, 'RESOURCE_EXHAUSTED', 'too many clients');
    return;
  }
  const earlier = state.clients.get(clientId);
  if (earlier !== undefined) {
    endSession(state, out, earlier, 'CLIENT_CLOSED', 'the same client has opened another stream');
  }
  session.clientId = clientId;
  session.application = application;
  state.clients.set(clientId, session);
  out.send(session, id, {
    body: 'welcome',
    welcome: {
      protocol: PROTOCOL_VERSION,
      coordinatorId: state.coordinatorId,
      maxFrameBytes: state.config.maxFrameBytes,
    },
  });
}

/** Tells the shell to end the stream; what still comes from it is ignored. */
export function endSession(
  state: CoordinatorState,
  out: Output,
  session: Session,
  code: 'PROTOCOL_MISMATCH' | 'MALFORMED_FRAME' | 'RESOURCE_EXHAUSTED' | 'CLIENT_CLOSED',
  message: string,
): void {
  out.end(session, code, message);
  leave(state, out, session);
}

/** The stream is gone: what waited on it is dropped, what was pushed to it is pushed to others. */
export function leave(state: CoordinatorState, out: Output, session: Session): void {
  if (session.over) return;
  session.over = true;
  if (state.clients.get(session.clientId) === session) state.clients.delete(session.clientId);
  for (const request of [...session.waiting]) stopWaiting(state, request);
  for (const resource of session.resources) resource.claims.delete(session);
  for (const branch of [...session.pushed]) pushAgain(state, out, branch);
  for (const resource of session.resources) dropIfIdle(state, resource);
  session.resources.clear();
}

export function enlist(
  state: CoordinatorState,
  out: Output,
  session: Session,
  id: number,
  { resourceId, kind, serverId, label }: EnlistResource,
): void {
  if (!session.resources.has(resourceOf(state, resourceId))) {
    if (session.resources.size >= state.config.maxResources) {
      dropIfIdle(state, resourceOf(state, resourceId));
      out.exhausted(session, id, 'maxResources');
      return;
    }
  }
  const resource = resourceOf(state, resourceId);
  const other = otherClaim(resource, session);
  if (other !== undefined && resource.serverId !== serverId) {
    out.fail(
      session,
      id,
      'RESOURCE_CLAIMED_TWICE',
      `another client reaches resource ${resourceId} at another server: a copied database carries the identity ` +
        'of its original; give one of the two a new id in its table globaltx_resource',
      '',
      { resource: resourceId, server: serverId, otherServer: resource.serverId, otherLabel: other },
    );
    return;
  }
  resource.serverId = serverId;
  resource.claims.set(session, { kind, serverId, label });
  session.resources.add(resource);
  out.done(session, id);
  resourceIsBack(state, out, resource);
}

/** The label of somebody else's claim. */
function otherClaim(resource: Resource, session: Session): string | undefined {
  for (const [other, { label }] of resource.claims) if (other !== session) return label;
  return undefined;
}

export function withdraw(state: CoordinatorState, out: Output, session: Session, resourceId: string): void {
  const resource = state.resources.get(resourceId);
  if (resource === undefined || !session.resources.delete(resource)) return;
  resource.claims.delete(session);
  for (const branch of [...session.pushed]) {
    if (branch.resource === resource) pushAgain(state, out, branch);
  }
  dispatch(state, out, resource);
  dropIfIdle(state, resource);
}
