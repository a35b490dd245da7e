// What an agent's phone page shows, as values: `picture(desk)` is pure.

/** What stands between the page and a phone that works, before anything else is shown. */
const hurdles = ['asking', 'connecting', 'taken', 'elsewhere', 'denied', 'missing', 'busy', 'insecure', 'unsupported', 'refused'];

/** The call that the phone is about: a voice contact or a callback that is not over. */
export function call(agent) {
  const contacts = (agent?.contacts ?? []).filter(({ channel }) => channel !== 'chat');
  const order = ['talking', 'held', 'connecting', 'offering', 'wrap_up'];
  return contacts.filter(({ state }) => order.includes(state)).sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state))[0];
}

/** An offer that rings: chats are taken in the console. */
export const ringing = ({ agent, line }) => agent?.offer && agent.offer.contact.channel !== 'chat' && line === 'up' ? agent.offer : undefined;

/**
 * The one thing that matters now: `login`, a hurdle, `lost`, `ringing`, `talking`, `held`, `joining`, `wrap_up`,
 * `ready`, `not_ready`, `signed_out`.
 */
export function picture({ agent, line }) {
  if (!agent) return 'login';
  if (line === 'off') return 'connecting';
  if (hurdles.includes(line)) return line;
  if (line === 'lost') return 'lost';
  const { state } = call(agent) ?? {};
  if (state === 'talking' || state === 'held') return state;
  if (ringing({ agent, line })) return 'ringing';
  if (state === 'connecting' || state === 'offering') return 'joining';
  return state ?? agent.state;
}

/** Applies an event of the agent's stream. */
export function apply(agent, name, payload) {
  switch (name) {
    case 'stream.reset': return payload.agent ?? agent;
    case 'agent.state_changed': return payload;
    case 'offer.made': return { ...agent, offer: payload };
    case 'offer.ended': return agent?.offer?.id === payload.id ? { ...agent, offer: undefined } : agent;
    case 'contact.changed': case 'contact.answered': case 'contact.ended':
      return agent && { ...agent, contacts: withContact(agent.contacts, payload) };
    default: return agent;
  }
}

/** An agent has a contact from the accept to the end of the wrap-up; otherwise it is over, or waits again for anyone. */
function withContact(contacts, contact) {
  const others = contacts.filter(({ id }) => id !== contact.id);
  return ['connecting', 'talking', 'held', 'wrap_up'].includes(contact.state) ? [...others, contact] : others;
}

/** Whether another page has become the agent's phone. */
export const isTaken = (agent, phone) => Boolean(phone && agent?.phone_id && agent.phone_id !== phone);
