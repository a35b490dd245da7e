// A server and a microphone made of nothing, so that every state of the widget can be brought onto a page. `scenes`
// are the ways there. The widget does not know: it calls `fetch`, `getUserMedia` and `RTCPeerConnection` as ever.
// What an earlier scene left would be resumed.
sessionStorage.clear();

const check = (fact, words) => { if (!fact) throw new Error(words); };
const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

async function until(found, words, patience = 10_000) {
  for (const start = performance.now(); performance.now() - start < patience;) {
    const thing = found();
    if (thing) return thing;
    await pause(15);
  }
  throw new Error(`waited in vain for ${words}`);
}

const stage = {
  entry: {
    name: 'web:shop', channels: ['voice', 'chat'], is_open: true, wait: { low_seconds: 20, high_seconds: 55 },
  },
  /** What the next requests get instead of an answer: a problem's kind and status, or `network`. */
  refusal: undefined,
  /** What getUserMedia throws, by name; `pending` never answers. */
  microphone: undefined,
  requests: [],
  faults: [],
  messages: [],
  contact: undefined,
  /** Brings up the stream of events; false holds it back. */
  isStreaming: true,

  /** A module of the widget: the very one that the page uses. */
  module: (name) => import(new URL(`switchboard/${name}.js`, document.querySelector('script[src$="/switchboard.js"]').src).href),

  get widget() { return document.querySelector('switchboard-call'); },
  get root() { return this.widget.shadowRoot; },
  find(selector) { return this.root.querySelector(selector); },
  all(selector) { return [...this.root.querySelectorAll(selector)]; },
  /** The button that says this, among those on screen. */
  button(words) {
    return this.all('button').find((button) => button.getClientRects().length
      && (button.getAttribute('aria-label') ?? button.textContent).trim().startsWith(words));
  },
  async press(words) { (await until(() => this.button(words), `the button ${words}`)).click(); },
  shows(words) { return this.find('.panel')?.innerText.includes(words); },
  async sees(words) { await until(() => this.shows(words), `the words “${words}”`); },

  change(contact) {
    this.contact = { ...this.contact, ...contact };
    const names = { queued: 'contact.queued', ended: 'contact.ended' };
    this.emit(names[this.contact.state] ?? 'contact.changed', this.contact);
  },
  say(text, author = 'agent') {
    const message = {
      id: `ms_${this.messages.length + 1}`, contact: 'ct_1', at: '2026-03-02T10:00:00.000Z', author, author_name: 'Amina Berg', text,
    };
    this.messages.push(message);
    this.emit('message.created', message);
    return message;
  },
  emit(name, payload) { this.stream?.enqueue(new TextEncoder().encode(`event: ${name}\nid: ${++this.sequence}\ndata: ${JSON.stringify(payload)}\n\n`)); },
  sequence: 100,
  breakStream() {
    this.isStreaming = false;
    this.stream?.error(new Error('gone'));
    this.stream = undefined;
  },
};

// MARK: The server

const json = (value, status = 200, headers = {}) => new Response(JSON.stringify(value), { status, headers });

let answer = async function (path, { method, headers, body }) {
  if (stage.refusal === 'network') throw new TypeError('network');
  if (stage.refusal && !path.endsWith('/events')) {
    const { kind, status, retryAfter } = stage.refusal;
    return json({ type: `urn:switchboard:problem:${kind}`, status }, status, retryAfter ? { 'retry-after': retryAfter } : {});
  }
  const type = headers['content-type'];
  if (stage.isSlow) await new Promise(() => {});
  if (path.startsWith('entry?')) return json(stage.entry);
  if (path.startsWith('contacts?')) {
    const isCall = type === 'application/sdp';
    stage.contact = {
      id: 'ct_1', channel: isCall ? 'voice' : 'chat', queue: 'q_support', state: 'queued', entered_at: new Date().toISOString(), is_lost: false,
      ahead: 2, wait: { low_seconds: 170, high_seconds: 350 },
    };
    if (!isCall) return json({ contact: stage.contact, token: 'vt_1' }, 201);
    return new Response(await stage.answerer(body), { status: 201, headers: { location: '/v1/contacts/ct_1', 'switchboard-token': 'vt_1' } });
  }
  if (path.endsWith('/events')) return events();
  if (path.endsWith('/messages')) return json(stage.say(JSON.parse(body).text, 'visitor'), 201);
  if (type === 'application/sdp') return new Response(await stage.answerer(body));
  if (type === 'application/trickle-ice-sdpfrag') return new Response('a=ice-ufrag:new1\r\na=ice-pwd:newpasswordnewpassword\r\n');
  return new Response(null, { status: 204 });
};

function events() {
  if (!stage.isStreaming) throw new TypeError('network');
  return new Response(new ReadableStream({
    start(controller) {
      stage.stream = controller;
      stage.emit('stream.reset', { contact: stage.contact, messages: stage.messages });
    },
  }));
}

const realFetch = fetch;
window.fetch = async (url, options = {}) => {
  const path = String(url).split('/v1/')[1];
  if (!path) return realFetch(url, options);
  const request = { path, method: 'GET', headers: {}, ...options };
  stage.requests.push(request);
  return answer(path, request);
};
navigator.sendBeacon = (url, body) => Boolean(stage.requests.push({ path: String(url).split('/v1/')[1], method: 'BEACON', body }));

// MARK: Sound

let volume = 0.3;

/** A tone as a stream, for a microphone or for the other side. */
function tone(frequency, volume) {
  const context = new AudioContext();
  const [oscillator, gain, out] = [context.createOscillator(), context.createGain(), context.createMediaStreamDestination()];
  oscillator.frequency.value = frequency;
  gain.gain.value = volume;
  oscillator.connect(gain).connect(out);
  oscillator.start();
  return out.stream;
}

if (navigator.mediaDevices) {
  navigator.mediaDevices.getUserMedia = async (constraints) => {
    stage.constraints = constraints;
    if (stage.microphone === 'pending') return new Promise(() => {});
    if (stage.microphone) throw new DOMException('no', stage.microphone);
    return tone(300, volume);
  };
}

/** Stands for the browser's own: it connects when it is told to. */
class StandIn {
  connectionState = 'new';
  signalingState = 'stable';
  digits = '';
  constructor() {
    stage.peer = this;
    const dtmf = { canInsertDTMF: true, insertDTMF: (digit) => { this.digits += digit; } };
    this.sender = { dtmf, replaceTrack: async (track) => { this.track = track; } };
  }
  addTransceiver() {}
  getTransceivers() { return [{ sender: this.sender }]; }
  async createOffer({ iceRestart } = {}) { return { type: 'offer', sdp: offer(iceRestart ? 'bbbb' : 'aaaa') }; }
  async setLocalDescription(description) { this.localDescription = description ?? await this.createOffer(); }
  async setRemoteDescription(description) {
    this.currentRemoteDescription = description;
    if (stage.isBlocked) return;
    setTimeout(() => this.become('connected'), 30);
    this.ontrack?.({ track: tone(440, 0.3).getAudioTracks()[0] });
  }
  become(state) {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
  close() { this.connectionState = 'closed'; }
}

const offer = (ufrag) => ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=mid:0', `a=ice-ufrag:${ufrag}`, 'a=ice-pwd:oldpasswordoldpassword', ''].join('\r\n');
stage.answerer = async () => offer('cccc');
if (window.RTCPeerConnection && !location.search.includes('real')) window.RTCPeerConnection = StandIn;

// MARK: The ways to each state

const open = async () => {
  await until(() => stage.widget?.shadowRoot, 'the loader');
  stage.find('.launcher').click();
};
const call = async () => {
  await open();
  await stage.press('Call now');
};
const queued = async () => {
  await call();
  await stage.sees('You are in line');
  await until(() => stage.peer?.connectionState === 'connected', 'sound');
};
const talking = async () => {
  await queued();
  stage.change({ state: 'offering', ahead: undefined, wait: undefined });
  await stage.sees('about to join');
  stage.change({ state: 'talking', agent_name: 'Amina Berg', answered_at: new Date().toISOString() });
  await stage.sees('Amina Berg');
};
const refused = (kind, status, retryAfter) => async () => {
  await open();
  await until(() => stage.button('Call now'), 'the choice');
  stage.refusal = kind === 'network' ? kind : { kind, status, retryAfter };
  await stage.press('Call now');
  await until(() => stage.button('Try again'), 'the next step');
};
const without = (name) => async () => {
  stage.microphone = name;
  await call();
};
const write = async (text) => {
  const field = await until(() => stage.find('textarea'), 'the field');
  field.value = text;
  field.dispatchEvent(new Event('input', { bubbles: true }));
  field.form.requestSubmit();
};
const chat = async () => {
  await open();
  await stage.press('Chat');
  await stage.sees('Write your first message');
};
const chatQueued = async () => {
  await chat();
  await write('My parcel has not arrived. The number is 4711.');
  await stage.sees('You are in line');
};
const chatTalking = async () => {
  await chatQueued();
  stage.change({ state: 'talking', agent_name: 'Amina Berg', answered_at: new Date().toISOString(), ahead: undefined, wait: undefined });
  stage.say('Good morning! I am looking it up.');
  stage.say('It is on its way and will be with you before noon.');
  await stage.sees('before noon');
  await write('Thank you!');
  await stage.sees('Thank you!');
};

const scenes = {
  loading: async () => {
    stage.isSlow = true;
    await open();
    await stage.sees('One moment');
  },
  launcher: async () => { await until(() => stage.widget?.shadowRoot, 'the loader'); },
  idle: async () => {
    await open();
    await until(() => stage.button('Call now'), 'the choice');
  },
  checking: without('pending'),
  denied: async () => { await without('NotAllowedError')(); await stage.sees('blocked'); },
  missing: async () => { await without('NotFoundError')(); await stage.sees('No microphone'); },
  busy: async () => { await without('NotReadableError')(); await stage.sees('taken'); },
  insecure: async () => {
    Object.defineProperty(window, 'isSecureContext', { value: false });
    await call();
    await stage.sees('secure page');
  },
  unsupported: async () => {
    delete window.RTCPeerConnection;
    await call();
    await stage.sees('cannot call');
  },
  connecting: async () => {
    stage.answerer = () => new Promise(() => {});
    await call();
    await stage.sees('Connecting');
  },
  queued,
  late: async () => {
    await queued();
    stage.change({ ahead: 0, wait: { low_seconds: 1, high_seconds: 1 } });
    await stage.sees('You are next');
    const now = Date.now;
    Date.now = () => now() + 30_000;
    await stage.sees('longer than we thought');
  },
  offering: async () => {
    await queued();
    stage.change({ state: 'offering', ahead: undefined, wait: undefined });
    await stage.sees('about to join');
  },
  talking: async () => { await talking(); await pause(300); },
  muted: async () => {
    await talking();
    await stage.press('Mute');
  },
  keypad: async () => {
    await talking();
    await stage.press('Keypad');
    for (const key of ['1', '7', '#']) await stage.press(key);
  },
  quiet: async () => {
    volume = 0;
    await talking();
    const now = Date.now;
    Date.now = () => now() + 20_000;
    await stage.sees('We hear nothing');
  },
  silent: async () => {
    HTMLMediaElement.prototype.play = async () => { throw new DOMException('no', 'NotAllowedError'); };
    await talking();
    await stage.sees('Turn the sound on');
  },
  weak: async () => {
    await talking();
    stage.emit('quality', { contact: 'ct_1', side: 'contact', codec: 'opus', quality: { loss_in: 0.09, loss_out: 0, jitter_seconds: 0.02 } });
    await stage.sees('connection is weak');
  },
  announcing: async () => {
    await queued();
    stage.change({ state: 'announcing', ahead: undefined, wait: undefined });
    await stage.sees('You hear why');
  },
  refused: async () => {
    await queued();
    stage.change({ state: 'ended', ending: 'refused_closed' });
    await stage.sees('We are closed now');
  },
  held: async () => {
    await talking();
    stage.change({ state: 'held' });
    await stage.sees('right back');
  },
  reconnecting: async () => {
    await talking();
    stage.refusal = 'network';
    stage.peer.become('failed');
    await stage.sees('Reconnecting');
  },
  ended: async () => {
    await talking();
    stage.change({ state: 'ended', ending: 'agent_left' });
    await stage.sees('has ended');
  },
  failed: refused('network'),
  full: refused('queue-full', 503, 60),
  overloaded: refused('overloaded', 503, 5),
  forbidden: refused('forbidden', 403),
  blocked: async () => {
    (await stage.module('media')).patience.connect = 200;
    stage.isBlocked = true;
    await call();
    await stage.sees('lets no call through');
  },
  closed: async () => {
    stage.entry = { name: 'web:shop', channels: ['voice', 'chat'], is_open: false, opens_at: '2099-11-23T08:00:00.000Z', takes_messages: true };
    await open();
    await stage.sees('closed');
  },
  paused: async () => {
    // What a reload finds: it was stored by the page before.
    sessionStorage.setItem('switchboard:shop', JSON.stringify({ id: 'ct_1', token: 'vt_1', channel: 'voice', at: Date.now() }));
    navigator.permissions.query = async () => ({ state: 'prompt' });
    stage.contact = { id: 'ct_1', channel: 'voice', state: 'queued', ahead: 0 };
    await until(() => stage.widget?.shadowRoot, 'the loader');
    stage.widget.replaceWith(stage.widget.cloneNode(true));
    await stage.sees('still here');
  },
  hidden: async () => {
    await talking();
    await stage.press('Minimize');
  },
  chat,
  chatQueued,
  chatTalking,
  chatLost: async () => {
    await chatTalking();
    stage.breakStream();
    await stage.sees('Reconnecting');
  },
  chatAsk: async () => {
    await chatTalking();
    await stage.press('End chat');
  },
  chatHeld: async () => {
    await chatTalking();
    stage.change({ state: 'held' });
    await stage.sees('on hold');
  },
  chatMessage: async () => {
    await chatQueued();
    stage.change({ state: 'message', ahead: undefined, wait: undefined });
    await stage.sees('Leave us a message');
  },
  chatEnded: async () => {
    await chatTalking();
    stage.change({ state: 'ended', ending: 'agent_left' });
    await stage.sees('has ended');
  },
  chatFailed: async () => {
    await chat();
    stage.refusal = { kind: 'queue-full', status: 503, retryAfter: 60 };
    await write('Hello?');
    await stage.sees('the line is full');
  },
};

document.addEventListener('securitypolicyviolation', (event) => stage.faults.push(`policy: ${event.violatedDirective} ${event.blockedURI}`));
addEventListener('error', (event) => stage.faults.push(`error: ${event.message}`));
addEventListener('unhandledrejection', (event) => stage.faults.push(`rejection: ${event.reason}`));
