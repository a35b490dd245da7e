// What a state says: a headline and a sentence, in the visitor's language.
import { clock, fill } from './dom.js';

/** The headline and the sentence of a session's state. */
export function words(session, t, now) {
  const agent = session.contact?.agent_name;
  const isCall = session.channel === 'voice';
  switch (session.state) {
    case 'loading': return [t.loading, ''];
    case 'idle': return [t.greeting, session.channel === 'chat' ? t.greetingChat : waitBefore(session, t)];
    case 'checking': return [t.checking, t.checkingMore];
    case 'denied': return [t.denied, t.deniedMore];
    case 'missing': return [t.missing, t.missingMore];
    case 'busy': return [t.busy, t.busyMore];
    case 'insecure': return [t.insecure, t.insecureMore];
    case 'unsupported': return [t.unsupported, t.unsupportedMore];
    case 'connecting': return [session.isResumed ? t.resuming : t.connecting, ''];
    case 'paused': return [t.paused, t.pausedMore];
    case 'queued': return [t.queued, wait(session, t, now)];
    case 'offering': return [t.offering, t.offeringMore];
    case 'talking': return [agent ? fill(t.talking, { name: agent }) : t.talkingAnyone, ''];
    case 'held': return [agent ? fill(t.held, { name: agent }) : t.heldAnyone, isCall ? t.heldCall : t.heldChat];
    case 'announcing': return [t.announcing, t.announcingMore];
    case 'message': return [t.leave, t.leaveMore];
    case 'ended': return [isCall ? t.endedCall : t.endedChat, ending(session, t)];
    case 'closed': return [session.trouble?.kind === 'queue-unstaffed' ? t.unstaffed : t.closed, opening(session, t, now)];
    case 'failed': return [t.failed, reason(session.trouble, t)];
  }
}

function ending({ ending, channel, contact, talked }, t) {
  const spoken = channel !== 'voice' || talked === undefined ? '' : fill(t.spoken, { time: clock(talked) });
  const sentences = {
    timed_out: t.endedLate, unstaffed: t.endedUnstaffed, failed: t.endedFailed, restart: t.endedFailed,
    callback_requested: t.endedCallback, gone: contact ? undefined : t.endedAway,
  };
  const sentence = sentences[ending] ?? (contact?.answered_at || talked !== undefined ? t.endedMore : t.endedUnanswered);
  return [spoken, sentence].filter(Boolean).join(' ');
}

function reason(trouble, t) {
  switch (trouble?.kind) {
    case 'network': return t.network;
    case 'ice': return t.blocked;
    case 'lost': return t.lostCall;
    case 'queue-full': return t.full;
    case 'overloaded': case 'not-ready': return fill(t.overloaded, { seconds: trouble.retryAfter || 10 });
    case 'too-many-requests': return fill(t.tooMany, { seconds: trouble.retryAfter || 10 });
    case 'unauthorized': return t.unknownVisitor;
    case 'forbidden': case 'not-found': return t.notAllowed;
    default: return t.failedMore;
  }
}

/** When the line opens, in the visitor's own time. */
function opening({ entry }, t, now) {
  const at = Date.parse(entry?.opens_at ?? '');
  if (!(at > now)) return t.closedMore;
  const isSoon = at - now < 6 * 86_400_000;
  const day = new Date(at).toDateString() === new Date(now).toDateString() ? {} :
    isSoon ? { weekday: 'long' } : { weekday: 'long', day: 'numeric', month: 'long' };
  const time = new Date(at).toLocaleString(t.lang, { ...day, hour: 'numeric', minute: '2-digit' });
  return fill(t.opens, { time });
}

function waitBefore({ entry }, t) {
  return entry?.wait ? range(entry.wait.low_seconds, entry.wait.high_seconds, t) : t.greetingMore;
}

function wait({ contact, promise }, t, now) {
  const ahead = contact?.ahead;
  const place = ahead === undefined ? '' : ahead === 0 ? t.next : fill(t.ahead, { count: ahead });
  const time = !promise ? t.waitUnknown : now > promise.until + 15_000 ? t.waitOver : range(promise.low, promise.high, t);
  return [place, time].filter(Boolean).join(' ');
}

function range(low, high, t) {
  if (high <= 60) return t.waitShort;
  const [least, most] = [Math.max(1, Math.floor(low / 60)), Math.ceil(high / 60)];
  const about = Math.floor((least + most) / 2);
  return fill(least === most ? t.waitOne : t.wait, { about, low: least, high: most });
}
