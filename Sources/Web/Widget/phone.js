// The agent's browser phone: one page that stays connected between calls and rings. It works beside the console;
// both say the same things to the same API.
import { apply, call, isTaken, picture, ringing } from './desk.js';
import { clock, fill, icon, initial, make, say } from './dom.js';
import { Events, randomKey, send } from './link.js';
import { Line, hindrance, obstacle } from './media.js';
import { Ringer } from './ringer.js';

const api = new URL('/v1/agents/me', location).href;
const stored = { token: 'switchboard-phone', devices: 'switchboard-phone-devices' };
const digits = [...'123456789*0#'];

/** A headline and a sentence for each picture. */
const words = {
  asking: ['May the page hear you?', 'Your browser asks for the microphone. Press “Allow” once; the phone then stays ready between calls.'],
  connecting: ['Connecting…', 'The phone is being connected.'],
  taken: ['Another page took over', 'Your phone is open on another page or device now. This one is silent.'],
  elsewhere: ['Your phone is open in another tab', 'Only one tab can be your phone.'],
  denied: ['The microphone is blocked', 'Press the icon beside the page’s address, allow the microphone, and try again.'],
  missing: ['No microphone found', 'Connect a microphone or a headset and try again.'],
  busy: ['The microphone is taken', 'Another program seems to use it. Close that program and try again.'],
  insecure: ['The phone needs a secure page', 'Browsers lend the microphone only to pages that begin with https.'],
  unsupported: ['This browser cannot call', 'It has no WebRTC, or it is switched off.'],
  refused: ['The phone was refused', '{detail}'],
  lost: ['Connection lost', 'Reconnecting… A call that goes on is kept for half a minute.'],
  ready: ['Waiting for calls', 'The phone is connected and will ring.'],
  not_ready: ['Not ready', 'You get no calls until you are ready.'],
  signed_out: ['Signed out', 'Sign in to get calls.'],
  joining: ['Connecting the call…', ''],
  wrap_up: ['Wrap-up', 'Write down what remains to be done.'],
};

class Phone {
  #token; #agent; #choices; #line; #phone; #events; #release; #detail = '';
  #state = 'off';
  #linkLostAt; #talkingSince; #talking; #shown;
  #isKeypadOpen = false;
  #isSilent = false;
  #attempts = 0;
  #devices = {};
  ringer = new Ringer();

  constructor(main) {
    this.main = main;
    try { this.#devices = JSON.parse(localStorage.getItem(stored.devices)) ?? {}; } catch { /* then the system's own devices */ }
    this.#build();
    this.#token = sessionStorage.getItem(stored.token);
    if (this.#token) this.#logIn();
    else this.render();
    setInterval(() => { if (this.#agent) this.render(); }, 500);
    requestAnimationFrame(() => this.#measure());
    addEventListener('pagehide', () => {
      // A talk outlives a reload; an idle phone that goes away is off at once.
      if (this.#phone && !call(this.#agent)) fetch(`${api}/phone/${this.#phone}`, { method: 'DELETE', keepalive: true, headers: { authorization: `Bearer ${this.#token}` } });
    });
    navigator.mediaDevices?.addEventListener('devicechange', () => this.#listDevices());
  }

  #send(path, method = 'POST', options = {}) { return send(api.replace(/agents\/me$/, path), method, { token: this.#token, ...options }); }

  // MARK: Login

  async #logIn() {
    try {
      this.#agent = await this.#send('agents/me', 'GET');
      this.#choices = await this.#send('agents/me/choices', 'GET');
    } catch (error) {
      this.#agent = undefined;
      if (error.status) sessionStorage.removeItem(stored.token);
      const sentence = { 401: 'This is no valid token.', 403: 'This token belongs to no agent.' };
      say(this.loginError, sentence[error.status] ?? 'The server cannot be reached.');
      return this.render();
    }
    sessionStorage.setItem(stored.token, this.#token);
    say(this.loginError, '');
    this.field.value = '';
    this.#events = new Events(`${api}/events`, this.#token, {
      event: (name, payload) => this.#hear(name, payload),
      up: () => { this.#linkLostAt = undefined; },
      down: () => { this.#linkLostAt ??= Date.now(); },
      gone: () => this.logOut(),
    });
    this.#events.follow();
    this.#claim();
  }

  async logOut() {
    this.#events?.close();
    this.#hangUpLine();
    const phone = this.#phone;
    this.#phone = undefined;
    if (phone) await this.#send(`agents/me/phone/${phone}`, 'DELETE').catch(() => {});
    this.#release?.();
    this.#agent = this.#token = undefined;
    sessionStorage.removeItem(stored.token);
    this.#become('off');
    this.field.focus();
  }

  /** One tab is the phone. Another one may take the lock away, and this one then hears of it. */
  #claim(isStealing = false) {
    const name = 'switchboard-phone ' + this.#agent.id;
    if (!navigator.locks) return this.connect();
    navigator.locks.request(name, isStealing ? { steal: true } : { ifAvailable: true }, (lock) => {
      if (!lock) return this.#become('elsewhere');
      this.connect();
      return new Promise((resolve) => { this.#release = resolve; });
    }).catch(() => this.#yield());
  }

  #yield() {
    this.#hangUpLine();
    this.#phone = undefined;
    this.#become('taken');
  }

  // MARK: The line

  #become(state) {
    this.#state = state;
    this.render();
  }

  #hangUpLine() {
    this.#line?.close();
    this.#line = undefined;
  }

  async connect() {
    const hindered = hindrance();
    if (hindered) return this.#become(hindered);
    this.#hangUpLine();
    this.#become(this.#attempts ? 'lost' : 'asking');
    const line = this.#line = new Line({
      media: (event) => this.#media(event),
      blocked: (isSilent) => {
        this.#isSilent = isSilent;
        this.render();
      },
      microphone: () => this.#listDevices(),
    }, {
      offer: (sdp) => this.#offer(sdp),
      restart: async (fragment) => (await this.#send(`agents/me/phone/${this.#phone}`, 'PATCH', { body: fragment, type: 'application/trickle-ice-sdpfrag' }))?.text,
      isOver: (error) => {
        if (![401, 403, 404, 409, 410].includes(error.status)) return false;
        this.#phone = undefined;
        this.#again();
        return true;
      },
    });
    try {
      await line.listen(this.#devices.microphone).catch((error) => {
        // The device chosen once is gone: any other one will do.
        if (error.name === 'OverconstrainedError') return line.listen();
        throw error;
      });
    } catch (error) {
      line.close();
      return this.#become(obstacle(error));
    }
    if (line.isClosed) return;
    if (!this.#attempts) this.#become('connecting');
    this.#applySinks();
    this.#listDevices();
    try { await line.open(); } catch (error) {
      line.close();
      if (![403, 409, 422].includes(error.status)) return this.#again();
      this.#detail = error.message;
      this.#become('refused');
    }
  }

  async #offer(sdp) {
    if (this.#phone) return (await this.#send(`agents/me/phone/${this.#phone}`, 'PATCH', { body: sdp, type: 'application/sdp' })).text;
    const { text, response } = await this.#send('agents/me/phone', 'POST', { body: sdp, type: 'application/sdp' });
    this.#phone = response.headers.get('location')?.split('/').pop();
    return text;
  }

  #media(event) {
    switch (event) {
      case 'connected':
        this.#attempts = 0;
        return this.#become('up');
      case 'lost': return this.#become('lost');
      default: return this.#again();
    }
  }

  /** From the beginning, a little later each time. */
  #again() {
    if (!this.#agent || this.#state === 'taken') return;
    this.#hangUpLine();
    this.#attempts += 1;
    this.#phone = undefined;
    this.#become('lost');
    setTimeout(() => { if (this.#state === 'lost' && this.#agent) this.connect(); }, Math.min(15_000, 500 * 2 ** this.#attempts));
  }

  #hear(name, payload) {
    this.#agent = apply(this.#agent, name, payload);
    if (isTaken(this.#agent, this.#phone) && this.#state !== 'taken') this.#yield();
    this.render();
  }

  // MARK: Devices

  async #listDevices() {
    const all = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    this.#fillSelect(this.microphone, all.filter(({ kind }) => kind === 'audioinput'), this.#devices.microphone);
    const outputs = all.filter(({ kind }) => kind === 'audiooutput');
    this.#fillSelect(this.speaker, outputs, this.#devices.speaker);
    this.#fillSelect(this.bell, outputs, this.#devices.bell);
  }

  #fillSelect(select, devices, chosen) {
    const options = devices.map(({ deviceId, label }) => make('option', { value: deviceId, selected: deviceId === chosen }, label || 'Default'));
    select.replaceChildren(...options);
    select.parentElement.hidden = !options.length || select !== this.microphone && !('setSinkId' in HTMLMediaElement.prototype);
  }

  async #choose(kind, select) {
    this.#devices[kind] = select.value;
    try { localStorage.setItem(stored.devices, JSON.stringify(this.#devices)); } catch { /* then it holds until the page is closed */ }
    if (kind === 'microphone') await this.#line?.listen(select.value).catch((error) => this.#become(obstacle(error)));
    else this.#applySinks();
  }

  #applySinks() {
    for (const [audio, id] of [[this.#line?.audio, this.#devices.speaker], [this.ringer.audio, this.#devices.bell]]) {
      if (id && audio?.setSinkId) audio.setSinkId(id).catch(() => {});
    }
  }

  // MARK: What the agent does

  /** A command; what the server refuses stands below the controls. */
  async #tell(path, body) {
    say(this.error, '');
    try {
      const agent = await this.#send(path, 'POST', { body, key: randomKey() });
      if (agent?.contacts) this.#agent = agent;
    } catch (error) { say(this.error, error.kind === 'network' ? 'The server cannot be reached.' : error.message); }
    this.render();
  }

  #hangUp() {
    const contact = call(this.#agent);
    if (contact) this.#send(`contacts/${contact.id}`, 'DELETE').catch((error) => say(this.error, error.message));
  }

  #press(digit) {
    this.#line?.press(digit);
    say(this.sent, (this.sent.textContent + ' ' + digit).slice(-24));
  }

  // MARK: Building

  #build() {
    const button = (label, onclick, kind = '') => make('button', { type: 'button', className: `button ${kind}`, onclick }, label);
    this.button = button;
    this.field = make('input', { type: 'password', id: 'token', className: 'field', autocomplete: 'off', required: true, spellcheck: false });
    this.loginError = make('p', { className: 'error', role: 'alert' });
    this.login = make('form', { className: 'card login', onsubmit: (event) => {
      event.preventDefault();
      this.#token = this.field.value.trim();
      if (this.#token) this.#logIn();
    } }, make('h1', {}, 'Your phone in the browser'),
    make('p', { className: 'more' }, 'Log in with your agent’s token, the one that your console uses. It stays in this tab.'),
    make('label', { htmlFor: 'token' }, 'Token'), this.field, this.loginError, make('button', { type: 'submit', className: 'button' }, 'Log in'));

    this.name = make('span', { className: 'name' });
    this.chip = make('span', { className: 'chip', role: 'status' });
    this.reason = make('select', { 'aria-label': 'Presence', onchange: () => this.#presence(this.reason.value) });
    this.out = button('Log out', () => this.logOut(), 'quiet');
    this.bar = make('header', {}, make('p', { className: 'mark' }, 'Switchboard ', make('span', {}, 'phone')), this.chip, this.name, this.reason, this.out);

    this.face = make('div', { className: 'face', 'aria-hidden': 'true' }, make('span'));
    this.lead = make('h1', { className: 'lead' });
    this.more = make('p', { className: 'more' });
    this.time = make('p', { className: 'time', role: 'timer' });
    this.facts = make('dl', { className: 'facts' });
    this.steps = make('div', { className: 'steps' });
    this.sent = make('p', { className: 'sent', role: 'status', 'aria-label': 'Digits sent' });
    this.keypad = make('div', { className: 'keypad', role: 'group', 'aria-label': 'Keypad', hidden: true },
      ...digits.map((digit) => make('button', { type: 'button', onclick: () => this.#press(digit) }, digit)), this.sent);
    this.controls = make('div', { className: 'controls', role: 'group', 'aria-label': 'Call' },
      this.mute = control('microphone', 'Mute', () => {
        this.#line?.mute(!this.#line.isMuted);
        this.render();
      }), this.hold = control('pause', 'Hold', () => {
        const contact = call(this.#agent);
        if (contact) this.#tell(`contacts/${contact.id}/${contact.state === 'held' ? 'resume' : 'hold'}`);
      }), this.pad = control('keypad', 'Keypad', () => {
        this.#isKeypadOpen = !this.#isKeypadOpen;
        this.render();
      }), this.end = control('hangUp', 'Hang up', () => this.#hangUp(), 'danger'));
    this.error = make('p', { className: 'error', role: 'alert' });
    this.status = make('p', { className: 'hush', role: 'status' });
    this.stage = make('section', { className: 'card stage', 'aria-label': 'Phone' }, this.face, this.lead, this.more, this.time, this.keypad,
      this.steps, this.controls, this.error, this.facts);

    const choice = (label, name, id, extra) => {
      const select = make('select', { id, className: 'field', onchange: () => this.#choose(id, select) });
      return [select, make('div', { className: 'device' }, make('label', { htmlFor: id }, icon(name), label), select, extra)];
    };
    this.near = make('div', { className: 'level', role: 'meter', 'aria-label': 'Your microphone', 'aria-valuemin': '0', 'aria-valuemax': '100', 'aria-valuenow': '0' }, make('i'));
    this.far = make('div', { className: 'level', role: 'meter', 'aria-label': 'What you hear', 'aria-valuemin': '0', 'aria-valuemax': '100', 'aria-valuenow': '0' }, make('i'));
    let device;
    const devices = [];
    [this.microphone, device] = choice('Microphone', 'microphone', 'microphone', this.near);
    devices.push(device);
    [this.speaker, device] = choice('Speaker', 'sound', 'speaker', this.far);
    devices.push(device);
    [this.bell, device] = choice('Ringing', 'bell', 'bell');
    devices.push(device);
    this.side = make('section', { className: 'card side', 'aria-labelledby': 'devices' }, make('h2', { id: 'devices' }, 'Devices'), ...devices,
      button('Test the ringing', () => this.ringer.chime(), 'quiet'));
    this.desk = make('div', { className: 'desk' }, this.stage, this.side);
    this.main.replaceChildren(this.bar, this.login, this.desk, this.status);
  }

  #presence(value) {
    const [verb, reason] = value.split(':');
    this.#tell(`agents/me/${verb}`, reason ? { reason } : undefined);
  }

  // MARK: Showing

  render() {
    const agent = this.#agent;
    const now = Date.now();
    const shown = picture({ agent, line: this.#state });
    const contact = call(agent);
    const offer = ringing({ agent, line: this.#state });
    this.main.dataset.picture = shown;
    this.login.hidden = Boolean(agent);
    this.desk.hidden = this.bar.hidden = !agent;
    this.#follow(contact, now);
    if (offer && shown === 'ringing') this.ringer.start();
    else this.ringer.stop();
    document.title = shown === 'ringing' ? `Call: ${who(offer.contact)}` : shown === 'talking' || shown === 'held' ? who(contact) : 'Switchboard phone';
    if (!agent) return;
    this.#renderBar(agent, shown);
    this.#renderStage(shown, contact, offer, now);
  }

  /** Since when the call is a talk. */
  #follow(contact, now) {
    const isTalking = contact?.state === 'talking' || contact?.state === 'held';
    if (!isTalking || contact.id !== this.#talking) {
      this.#talkingSince = isTalking ? Math.min(now, Date.parse(contact.answered_at ?? '') || now) : undefined;
      this.#talking = isTalking ? contact.id : undefined;
      if (this.#isKeypadOpen || this.#line?.isMuted) {
        this.#isKeypadOpen = false;
        this.#line?.mute(false);
      }
      this.sent.textContent = '';
    }
  }

  #renderBar(agent, shown) {
    say(this.name, agent.name);
    const isLost = shown === 'lost' || this.#linkLostAt && Date.now() - this.#linkLostAt > 2_000;
    const isUp = this.#state === 'up';
    this.chip.dataset.tone = isLost ? 'warn' : isUp ? 'good' : 'off';
    say(this.chip, isLost ? 'Reconnecting' : isUp ? 'Phone connected' : 'Phone off');
    const reasons = this.#choices?.reasons ?? [];
    const options = agent.state === 'signed_out' ? [['', 'Signed out'], ['sign-in', 'Sign in']] :
      [['ready', 'Ready'], ['not-ready', 'Not ready'], ...reasons.map((reason) => [`not-ready:${reason}`, `Not ready: ${reason}`]), ['sign-out', 'Sign out']];
    // A reason that nobody chooses, as unreachable, has an entry while it holds.
    const at = agent.state === 'ready' ? 'ready' : agent.state === 'signed_out' ? '' : agent.reason ? `not-ready:${agent.reason}` : 'not-ready';
    if (!options.some(([value]) => value === at)) options.push([at, `Not ready: ${agent.reason}`]);
    const key = JSON.stringify(options);
    if (this.reason.dataset.key !== key) {
      this.reason.dataset.key = key;
      this.reason.replaceChildren(...options.map(([value, label]) => make('option', { value }, label)));
    }
    this.reason.value = at;
  }

  #renderStage(shown, contact, offer, now) {
    const subject = shown === 'ringing' ? offer.contact : contact;
    const isCall = ['ringing', 'talking', 'held', 'joining', 'wrap_up'].includes(shown);
    const [lead, more] = words[shown] ?? [who(subject), ''];
    say(this.lead, isCall && shown !== 'joining' ? who(subject) : lead);
    const line = { ringing: `Calls ${queue(subject)}`, talking: `Talking · ${queue(subject)}`, held: `On hold · ${queue(subject)}`, wrap_up: `Wrap-up · ${queue(subject)}` };
    say(this.more, line[shown] ?? fill(more, { detail: this.#detail }));
    this.more.hidden = !this.more.textContent;
    this.#renderTime(shown, subject, offer, now);
    this.#renderFace(shown, subject);
    this.#renderFacts(isCall ? subject : undefined, now, shown);
    this.#renderSteps(shown, subject, offer);
    const isTalking = shown === 'talking' || shown === 'held';
    this.controls.hidden = !isTalking && shown !== 'joining';
    this.keypad.hidden = !(isTalking && this.#isKeypadOpen);
    press(this.mute, this.#line?.isMuted, this.#line?.isMuted ? 'muted' : 'microphone');
    press(this.hold, shown === 'held', 'pause');
    this.pad.setAttribute('aria-expanded', String(this.#isKeypadOpen));
    this.mute.hidden = this.hold.hidden = this.pad.hidden = !isTalking;
    const told = `${this.lead.textContent}. ${this.more.textContent}`;
    if (this.#shown !== shown) say(this.status, told);
    this.#shown = shown;
  }

  #renderTime(shown, subject, offer, now) {
    const left = (at) => clock(Date.parse(at) - now);
    const time = {
      talking: () => clock(now - this.#talkingSince), held: () => clock(now - this.#talkingSince),
      ringing: () => `${left(offer.deadline)} to answer`,
      wrap_up: () => subject.wrap_up_ends_at ? `${left(subject.wrap_up_ends_at)} left` : '',
    }[shown];
    say(this.time, time ? time() : '');
    this.time.hidden = !this.time.textContent;
  }

  #renderFace(shown, subject) {
    const pictures = {
      ready: 'phone', not_ready: 'clock', signed_out: 'clock', lost: 'unlink', taken: 'copy', elsewhere: 'copy', asking: 'microphone',
      connecting: 'phone', joining: 'phone', denied: 'block', insecure: 'block', unsupported: 'block', refused: 'block', missing: 'muted', busy: 'muted', wrap_up: 'note',
    };
    const name = pictures[shown] ?? initial(who(subject));
    if (this.face.dataset.name === name) return;
    this.face.dataset.name = name;
    this.face.firstChild.replaceChildren(pictures[shown] ? icon(name) : name);
  }

  #renderFacts(contact, now, shown) {
    const facts = contact ? [
      ['Waited', shown === 'ringing' ? clock(now - Date.parse(contact.entered_at)) : undefined], ['Address', contact.address],
      ...Object.entries(contact.attributes ?? {}).map(([name, value]) => [name, value]),
    ].filter(([, value]) => value) : [];
    this.facts.hidden = !facts.length;
    const key = JSON.stringify(facts);
    if (this.facts.dataset.key === key) return;
    this.facts.dataset.key = key;
    this.facts.replaceChildren(...facts.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]));
  }

  #renderSteps(shown, contact, offer) {
    const steps = [];
    const add = (label, action, kind) => steps.push([label, action, kind]);
    switch (shown) {
      case 'ringing':
        if (offer.accepts_in_console) add('Accept', () => this.#tell(`offers/${offer.id}/accept`), 'accept');
        add('Decline', () => this.#tell(`offers/${offer.id}/decline`), 'decline');
        break;
      case 'wrap_up': {
        const codes = this.#choices?.codes?.[contact.queue] ?? [];
        for (const code of codes) add(code.replaceAll('_', ' '), () => this.#tell(`contacts/${contact.id}/wrap-up`, { code }));
        if (!codes.length) add('Done', () => this.#tell(`contacts/${contact.id}/wrap-up`));
        add('30 s more', () => this.#tell(`contacts/${contact.id}/wrap-up`, { extend_seconds: 30 }), 'quiet');
        break;
      }
      case 'not_ready': add('Become ready', () => this.#tell('agents/me/ready')); break;
      case 'signed_out': add('Sign in', () => this.#tell('agents/me/sign-in')); break;
      case 'taken': case 'elsewhere': add('Use it here', () => this.#claim(true)); break;
      case 'denied': case 'missing': case 'busy': case 'refused': add('Try again', () => this.connect()); break;
    }
    if (this.#isSilent && this.#state === 'up') add('Turn the sound on', () => this.#line?.play());
    const key = JSON.stringify([shown, contact?.id, offer?.id, ...steps.map(([label]) => label)]);
    if (this.steps.dataset.key === key) return;
    this.steps.dataset.key = key;
    this.steps.hidden = !steps.length;
    const hadFocus = this.stage.contains(document.activeElement);
    this.steps.replaceChildren(...steps.map(([label, action, kind = '']) => this.button(label, action, kind)));
    if (hadFocus && !document.activeElement?.getClientRects().length) this.steps.querySelector('button')?.focus();
  }

  #measure() {
    const draw = (meter, level) => {
      meter.style.setProperty('--level', String(level ?? 0));
      const value = String(Math.round((level ?? 0) * 10) * 10);
      if (meter.getAttribute('aria-valuenow') !== value) meter.setAttribute('aria-valuenow', value);
    };
    const line = this.#line?.isClosed ? undefined : this.#line;
    draw(this.near, line?.isMuted ? 0 : line?.level('near'));
    draw(this.far, line?.level('far'));
    this.face.style.setProperty('--level', String(line && this.#talking ? line.level('far') ?? 0 : 0));
    setTimeout(() => requestAnimationFrame(() => this.#measure()), 40);
  }
}

const who = (contact) => contact?.visitor_name || contact?.address || 'A visitor';
const queue = (contact) => (contact?.queue ?? '').replace(/^q_/, '');

function control(name, label, onclick, kind = '') {
  return make('button', { type: 'button', className: `control ${kind}`, onclick }, make('span', { className: 'disc' }, icon(name)), make('span', {}, label));
}

function press(control, isPressed, name) {
  control.setAttribute('aria-pressed', String(Boolean(isPressed)));
  const [disc] = control.children;
  if (disc.firstChild.dataset.name !== name) disc.replaceChildren(icon(name));
}

window.phone = new Phone(document.querySelector('main'));
