// What a visitor goes through, as values: `next(session, event)` touches nothing, so tests walk every path.
//
//   loading → idle → checking → denied | missing | busy | insecure | unsupported
//                  → connecting → queued → offering → talking (held) → ended
//   and from everywhere: closed, failed; after a reload: connecting, or paused until a press.

/**
 * Every state. `open`: the server knows the contact. `over`: nothing runs any more. `icon`: what the call's picture
 * shows. `steps`: what one can do next, first the likeliest; a step that the entry does not offer is left out, and the
 * page's own phone link is always the last.
 */
export const states = {
  loading: { icon: 'phone' },
  idle: { icon: 'phone', steps: ['call', 'chat'] },
  checking: { icon: 'microphone' },
  denied: { over: true, icon: 'block', steps: ['retry', 'chat'] },
  missing: { over: true, icon: 'muted', steps: ['retry', 'chat'] },
  busy: { over: true, icon: 'muted', steps: ['retry', 'chat'] },
  insecure: { over: true, icon: 'block', steps: ['chat'] },
  unsupported: { over: true, icon: 'block', steps: ['chat'] },
  connecting: { icon: 'phone' },
  paused: { open: true, icon: 'phone', steps: ['resume', 'leave'] },
  queued: { open: true, icon: 'music' },
  offering: { open: true, icon: 'phone' },
  talking: { open: true, icon: 'phone' },
  held: { open: true, icon: 'pause' },
  message: { open: true, icon: 'chat' },
  announcing: { open: true, icon: 'sound' },
  ended: { over: true, icon: 'check', steps: ['again', 'chat'] },
  closed: { over: true, icon: 'clock', steps: ['message', 'retry'] },
  failed: { over: true, icon: 'unlink', steps: ['retry', 'chat'] },
};

/** States in which the microphone said why not. */
const obstacles = ['denied', 'missing', 'busy', 'insecure', 'unsupported'];

/** What the server calls the states of a contact. */
const told = {
  queued: 'queued', offering: 'offering', connecting: 'offering', talking: 'talking', held: 'held', message: 'message',
  announcing: 'announcing',
};

export const start = { state: 'loading' };

/** What is over is cut off no more. */
const unbroken = { linkLostAt: undefined, mediaLostAt: undefined };

/** An event that means nothing in the session's state changes nothing. */
export function next(session, event) {
  const { state } = session;
  const { open, over } = states[state];
  switch (event.type) {
    case 'entry':
      if (state !== 'loading') return { ...session, entry: event.entry };
      return { state: event.entry.is_open === false ? 'closed' : 'idle', entry: event.entry };
    case 'press':
      if (!over && state !== 'idle' && state !== 'paused') return session;
      if (state === 'paused') return { ...session, state: 'checking', isResumed: true };
      return { entry: session.entry, channel: event.channel, state: event.channel === 'voice' ? 'checking' : 'connecting' };
    case 'write':
      return over || state === 'idle' ? { entry: session.entry, channel: 'chat', state: 'idle' } : session;
    case 'back':
      return open ? session : { entry: session.entry, state: 'idle' };
    case 'resume':
      if (state !== 'loading') return session;
      return { channel: event.channel, isResumed: true, state: event.isPaused ? 'paused' : 'connecting' };
    case 'microphone':
      if (over || state === 'idle') return session;
      if (!event.obstacle) return state === 'checking' ? { ...session, state: 'connecting' } : session;
      return { ...session, ...unbroken, state: obstacles.includes(event.obstacle) ? event.obstacle : 'busy' };
    case 'contact':
      return over || state === 'loading' || state === 'idle' ? session : withContact(session, event.contact, event.now);
    case 'link':
      return over || state === 'idle' ? session : { ...session, linkLostAt: event.isUp ? undefined : session.linkLostAt ?? event.now };
    case 'media':
      return over || state === 'idle' || state === 'loading' ? session : withMedia(session, event);
    // Some loss is nothing; from one packet in twenty on, words suffer.
    case 'quality': return { ...session, isWeak: Math.max(event.quality.loss_in, event.quality.loss_out) > 0.05 };
    case 'silent':
      return { ...session, isSilent: event.isSilent };
    case 'refused':
      if (over) return session;
      return {
        ...session, ...unbroken, trouble: event.trouble,
        state: ['queue-closed', 'queue-unstaffed'].includes(event.trouble.kind) ? 'closed' : 'failed',
      };
    case 'over':
      return open || state === 'connecting' || state === 'checking' ? ended(session, event.ending, event.now) : session;
    default: throw new Error(`no event ${event.type}`);
  }
}

function withContact(session, contact, now) {
  const state = told[contact.state];
  if (!state) return ended({ ...session, contact }, contact.ending, now);
  const isTalking = state === 'talking' || state === 'held';
  // The talk began when this page first saw it, or before it was loaded.
  const begun = contact.answered_at && session.isResumed ? Math.min(now, Date.parse(contact.answered_at)) : now;
  return {
    ...session, contact, promise: contact.wait ? kept(session.promise, contact.wait, now) : session.promise,
    talkingSince: isTalking ? session.talkingSince ?? begun : undefined,
    // A call that waits for a press shows that first, whatever happens meanwhile.
    state: ['paused', 'checking'].includes(session.state) ? session.state : state,
  };
}

/** A wait that was told never rises: the least promise counts, and once it is over it says so. */
function kept(promise, { low_seconds: low, high_seconds: high }, now) {
  const until = now + high * 1000;
  return {
    low: Math.min(low, promise?.low ?? low), high: Math.min(high, promise?.high ?? high),
    until: Math.min(until, promise?.until ?? until),
  };
}

function withMedia(session, { event, now }) {
  switch (event) {
    case 'connected': return { ...session, isHeard: true, mediaLostAt: undefined };
    case 'lost': return { ...session, mediaLostAt: session.mediaLostAt ?? now };
    // What never was connected is the network's fault, mostly a firewall's; the rest is a lost call.
    default: return { ...session, state: 'failed', ...unbroken, trouble: { kind: session.isHeard ? 'lost' : 'ice' } };
  }
}

function ended(session, ending, now) {
  const refusal = /^refused_(.*)/.exec(ending)?.[1];
  if (refusal) return next(session, { type: 'refused', trouble: { kind: `queue-${refusal}` } });
  return {
    ...session, ...unbroken, state: 'ended', ending,
    talked: session.talkingSince === undefined ? undefined : now - session.talkingSince,
  };
}

/** Since when the visitor is cut off, or undefined. A call is cut off when nothing is heard. */
export const lostAt = (session) => session.channel === 'voice' ? session.mediaLostAt : session.linkLostAt;

/** What stands in the way of a call only, so that a chat may go where it does not. */
const mayHelp = (trouble) => !trouble || ['ice', 'lost', 'invalid', 'unsupported-media-type', 'internal'].includes(trouble.kind);

/** What one can do next, of what the entry offers. */
export function steps({ state, channel, entry, trouble }) {
  const channels = entry?.channels ?? [];
  const isClosed = entry?.is_open === false || trouble?.kind === 'queue-closed' || trouble?.kind === 'queue-unstaffed';
  const own = channel ?? channels[0];
  return (states[state].steps ?? []).filter((step) => {
    switch (step) {
      case 'call': return channels.includes('voice');
      case 'chat': return channels.includes('chat') && (state === 'idle' || own !== 'chat') && !isClosed && mayHelp(trouble);
      case 'message': return channels.includes('chat') && entry?.takes_messages === true;
      default: return true;
    }
  });
}
