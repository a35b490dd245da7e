// The panel behind the button. One state at a time; `render` shows it:
//   idle → connecting → queued → offering → talking (held) → ended | failed | closed
import { Link, Trouble, randomKey } from './link.js';
import { style } from './style.js';

const most = 4_000; // characters of a message
const resumable = 15 * 60_000; // milliseconds

const icons = {
  minimize: 'M6 9.5l6 6 6-6', close: 'M6 6l12 12M18 6L6 18', send: 'M4.5 12h14M12.5 6l6 6-6 6',
};

/** Makes an element; properties are set, `data` and text children appended. */
function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes('-') || key === 'role') element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(svg.namespaceURI, 'path');
  path.setAttribute('d', icons[name]);
  svg.append(path);
  return svg;
}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? '');

/** Cuts to at most 256 bytes of UTF-8. */
function cut(text) {
  let kept = String(text);
  while (new TextEncoder().encode(kept).length > 256) kept = kept.slice(0, -8);
  return kept;
}

export async function mount(host, base, stored) {
  const { default: texts } = await import(`./${host.language}.js`);
  const own = host.getAttribute('texts');
  if (own) Object.assign(texts, await (await fetch(own, { credentials: 'omit' })).json());
  return new Panel(host, base, texts, stored);
}

class Panel {
  state = 'idle';
  #host; #base; #texts; #root; #launcher; #link; #contact;
  #messages = new Map();
  #pending = [];
  #trouble; #lostAt; #ticker; #promise; #unread = 0; #asking = false; #isFlushing = false; #draft;

  constructor(host, base, texts, stored) {
    this.#host = host;
    this.#base = base;
    this.#texts = texts;
    this.#root = host.shadowRoot;
    this.#launcher = this.#root.querySelector('.launcher');
    this.#root.adoptedStyleSheets.push(style);
    this.#build();
    addEventListener('pagehide', (event) => {
      if (!this.#link?.id || event.persisted || this.#isOver) return;
      this.#remember();
      this.#link.leave();
    });
    if (!stored || !this.#resume(stored)) this.show();
  }

  // MARK: Opening, closing, remembering

  show() {
    this.panel.hidden = false;
    this.#launcher.setAttribute('aria-expanded', 'true');
    this.#unread = 0;
    this.render();
    (this.#isOver ? this.card.querySelector('button') ?? this.minimize : this.text).focus();
  }

  /** The chat goes on behind the button. */
  hide() {
    this.panel.hidden = true;
    this.#launcher.setAttribute('aria-expanded', 'false');
    this.render();
    this.#launcher.focus();
  }

  get #key() { return 'switchboard:' + this.#host.getAttribute('entry'); }
  get #isOver() { return ['ended', 'failed', 'closed'].includes(this.state); }
  get #isOpen() { return ['queued', 'offering', 'talking', 'held', 'message'].includes(this.state); }

  #remember() {
    const { id, token } = this.#link;
    try { sessionStorage.setItem(this.#key, JSON.stringify({ id, token, at: Date.now() })); } catch { /* then a reload starts anew */ }
  }

  #forget() {
    try { sessionStorage.removeItem(this.#key); } catch { /* nothing was stored then */ }
  }

  /** After a reload: the same contact, if it was not long ago. */
  #resume(stored) {
    let session;
    try { session = JSON.parse(stored); } catch { session = {}; }
    this.#forget();
    if (!session.id || !(Date.now() - session.at < resumable)) return false;
    this.#connect();
    this.#link.resume(session.id, session.token);
    this.#remember();
    this.state = 'connecting';
    this.show();
    this.#link.follow();
    return true;
  }

  #connect() {
    this.#link = new Link(this.#base, {
      event: (name, payload) => this.#event(name, payload),
      up: () => this.#up(),
      down: () => this.#down(),
      gone: () => this.#end(),
    });
  }

  async #start(text, name) {
    this.#draft = { text, name };
    this.#messages.clear();
    this.#pending = [];
    this.#promise = this.#contact = this.#trouble = undefined;
    this.state = 'connecting';
    this.#say(text);
    this.#connect();
    try {
      this.#contact = await this.#link.open(this.#host.getAttribute('entry'), { name: name || undefined, attributes: this.#page() });
    } catch (error) {
      return this.#fail(error);
    }
    this.#remember();
    this.#apply(this.#contact);
    this.#link.follow();
    this.#flush();
  }

  /** What the page tells about the visit: unverified, shown to the agent. */
  #page() {
    const page = { url: location.origin + location.pathname, title: document.title, language: navigator.language };
    const told = Object.entries(this.#host.dataset).slice(0, 13);
    return Object.fromEntries([...Object.entries(page), ...told].map(([key, value]) => [cut(key), cut(value)]));
  }

  // MARK: Messages of ours

  #say(text) {
    this.#pending.push({ text, key: randomKey(), state: 'new' });
    this.render();
  }

  /** Sends what waits, in order; a message that failed stays and can be sent again. */
  async #flush() {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    for (let message; (message = this.#pending.find((message) => message.state === 'new'));) {
      message.state = 'sending';
      this.render();
      try {
        const stored = await this.#link.post(message.text, message.key);
        message.state = 'sent';
        if (stored && this.#pending.includes(message)) this.#hear(stored);
      } catch (error) {
        message.state = 'failed';
        if (error instanceof Trouble && [404, 409, 410].includes(error.status)) this.#end();
      }
      this.render();
    }
    this.#isFlushing = false;
  }

  // MARK: What the server tells

  #event(name, payload) {
    switch (name) {
      case 'stream.reset':
        this.#messages.clear();
        for (const message of payload.messages ?? []) this.#hear(message);
        if (payload.contact) this.#apply(payload.contact);
        break;
      case 'message.created': this.#hear(payload); break;
      case 'contact.queued': case 'contact.changed': case 'contact.answered': case 'contact.ended': this.#apply(payload); break;
    }
    if (this.#isOpen) this.#remember();
    this.render();
  }

  #hear(message) {
    if (this.#messages.has(message.id)) return;
    this.#messages.set(message.id, message);
    if (message.author === 'visitor') {
      const place = this.#pending.findIndex((pending) => pending.text === message.text);
      if (place >= 0) this.#pending.splice(place, 1);
    } else if (this.panel.hidden) this.#unread += 1;
  }

  #apply(contact) {
    this.#contact = contact;
    if (contact.wait) this.#keepPromise(contact.wait);
    const states = {
      queued: 'queued', offering: 'offering', connecting: 'offering', talking: 'talking', held: 'held', message: 'message',
    };
    if (contact.state in states) this.state = states[contact.state];
    else this.#end();
    this.render();
  }

  /** A wait that was told never rises: the least promise counts, and once it is over it says so. */
  #keepPromise({ low_seconds: low, high_seconds: high }) {
    const latest = Date.now() + high * 1000;
    this.#promise = {
      low: Math.min(low, this.#promise?.low ?? low), high: Math.min(high, this.#promise?.high ?? high),
      until: Math.min(latest, this.#promise?.until ?? latest),
    };
  }

  #up() {
    this.#lostAt = undefined;
    clearInterval(this.#ticker);
    for (const message of this.#pending) if (message.state === 'failed') message.state = 'new';
    if (this.#isOpen) this.#flush();
    this.render();
  }

  #down() {
    if (this.#isOver || this.#lostAt) return;
    this.#lostAt = Date.now();
    clearInterval(this.#ticker);
    this.#ticker = setInterval(() => this.render(), 1_000);
    this.render();
  }

  #end() {
    if (this.#isOver) return;
    this.state = 'ended';
    this.#asking = false;
    this.#finish();
  }

  #fail(error) {
    this.#trouble = error instanceof Trouble ? error : new Trouble('internal', 0);
    this.state = ['queue-closed', 'queue-unstaffed'].includes(this.#trouble.kind) ? 'closed' : 'failed';
    this.#finish();
  }

  #finish() {
    const hadFocus = this.foot.contains(this.#root.activeElement);
    this.#lostAt = undefined;
    clearInterval(this.#ticker);
    this.#link?.close();
    this.#forget();
    this.render();
    if (hadFocus) this.card.querySelector('button')?.focus();
  }

  // MARK: Building

  #build() {
    const t = this.#texts;
    const id = 'title';
    this.face = make('div', { className: 'face', 'aria-hidden': 'true' });
    this.title = make('h2', { id });
    this.subtitle = make('p', { className: 'subtitle' });
    this.minimize = make('button', { type: 'button', 'aria-label': t.minimize, title: t.minimize, onclick: () => this.hide() }, icon('minimize'));
    this.close = make('button', { type: 'button', 'aria-label': t.end, title: t.end, onclick: () => this.#ask(true) }, icon('close'));
    this.status = make('div', { className: 'hush', role: 'status' });
    this.banner = make('div', { className: 'banner', hidden: true }, make('span', { className: 'pulse' }), make('span', { role: 'alert' }));
    this.card = make('div');
    this.log = make('div', { className: 'log', role: 'log', 'aria-live': 'polite', 'aria-label': t.log, tabIndex: 0 });
    this.body = make('div', { className: 'body' }, this.log, this.card);
    this.name = make('input', { className: 'field', placeholder: t.name, autocomplete: 'name', maxLength: 80, 'aria-label': t.name });
    this.text = make('textarea', { placeholder: t.message, rows: 1, 'aria-label': t.message, 'aria-describedby': 'count', enterKeyHint: 'send' });
    this.count = make('p', { className: 'note bad count', id: 'count', role: 'status' });
    this.send = make('button', { type: 'submit', 'aria-label': t.send, title: t.send }, icon('send'));
    this.form = make('form', {}, this.name, make('div', { className: 'compose' }, this.text, this.send), this.count);
    this.ask = make('div', { className: 'ask', role: 'group', 'aria-label': t.endAsk, hidden: true }, make('p', {}, t.endAsk),
      make('button', { type: 'button', className: 'button', onclick: () => this.#hangUp() }, t.endYes),
      make('button', { type: 'button', className: 'button quiet', onclick: () => this.#ask(false) }, t.endNo));
    this.phone = make('p', { className: 'phone' });
    this.foot = make('div', { className: 'foot' }, this.ask, this.form, this.phone);
    this.panel = make('section', { className: 'panel', role: 'dialog', 'aria-labelledby': id },
      make('header', {}, this.face, make('div', { className: 'titles' }, this.title, this.subtitle), this.close, this.minimize),
      this.banner, this.status, this.body, this.foot);
    this.panel.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      if (this.#asking) this.#ask(false);
      else this.hide();
    });
    this.text.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.form.requestSubmit();
    });
    this.text.addEventListener('input', () => this.#measure());
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.badge = make('span', { className: 'badge', hidden: true });
    this.#launcher.append(this.badge);
    this.#root.append(this.panel);
    this.#measure();
  }

  #measure() {
    const over = [...this.text.value].length - most;
    this.count.textContent = over > 0 ? fill(this.#texts.tooLong, { count: over }) : '';
    this.send.disabled = over > 0 || !this.text.value.trim();
    this.text.style.height = '44px';
    this.text.style.height = Math.min(this.text.scrollHeight, 132) + 'px';
  }

  #submit() {
    const text = this.text.value.trim();
    if (this.send.disabled || this.state === 'connecting' || !text) return;
    this.text.value = '';
    this.#measure();
    if (this.state === 'idle') return void this.#start(text, this.name.value.trim());
    this.#say(text);
    this.#flush();
  }

  #ask(isAsking) {
    if (!this.#isOpen) return this.hide();
    this.#asking = isAsking;
    this.render();
    (isAsking ? this.ask.querySelector('button') : this.close).focus();
  }

  async #hangUp() {
    try { await this.#link.end(); } catch (error) {
      // Without a link the server notices by itself that nobody is there any more.
      if (error.kind === 'network') this.#link.leave();
    }
    this.#end();
  }

  #again() {
    this.state = 'idle';
    this.#messages.clear();
    this.#pending = [];
    this.#contact = this.#promise = undefined;
    this.render();
    this.text.focus();
  }

  #retry() {
    const { text, name } = this.#draft;
    this.#start(text, name);
    this.text.focus();
  }

  // MARK: Showing

  render() {
    const t = this.#texts;
    const agent = this.#contact?.agent_name;
    const isTalking = this.state === 'talking' || this.state === 'held';
    const heading = this.#host.getAttribute('heading') || t.title;
    this.title.textContent = isTalking && agent ? agent : heading;
    this.face.textContent = [...(isTalking && agent ? agent : heading)].find((letter) => letter.trim())?.toUpperCase() ?? '';
    this.face.classList.toggle('here', isTalking && !this.#lostAt);
    const [lead, more] = this.#words(agent);
    const calm = isTalking ? (this.state === 'held' ? t.heldMore : t.talkingAnyone) : lead;
    this.subtitle.textContent = this.state === 'idle' || this.#lostAt ? '' : calm;
    this.subtitle.hidden = !this.subtitle.textContent;
    const told = this.state === 'idle' ? '' : [lead, more].filter(Boolean).join(' ');
    if (this.status.textContent !== told) this.status.textContent = told;
    this.#renderBanner();
    this.#renderCard(lead, more);
    this.#renderLog();
    this.close.hidden = !this.#isOpen;
    this.name.hidden = this.state !== 'idle';
    this.form.hidden = this.#isOver || this.#asking;
    this.ask.hidden = !this.#asking;
    this.#renderPhone();
    this.badge.hidden = !(this.panel.hidden && this.#unread);
    this.badge.textContent = fill(t.unread, { count: this.#unread });
  }

  /** The headline and the sentence of the state. */
  #words(agent) {
    const t = this.#texts;
    switch (this.state) {
      case 'idle': return [t.greeting, t.greetingMore];
      case 'connecting': return [t.connecting, ''];
      case 'queued': return [t.queued, this.#waitText()];
      case 'offering': return [t.offering, t.offeringMore];
      case 'talking': return [agent ? fill(t.talking, { name: agent }) : t.talkingAnyone, ''];
      case 'held': return [agent ? fill(t.held, { name: agent }) : t.heldMore, t.heldMore];
      case 'message': return [t.leave, t.leaveMore];
      case 'ended': return [t.ended, this.#contact?.answered_at ? t.endedMore : t.endedUnanswered];
      case 'closed': return [t.closed, t.closedMore];
      case 'failed': return [t.failed, this.#reason()];
    }
  }

  #reason() {
    const t = this.#texts;
    switch (this.#trouble.kind) {
      case 'network': return t.network;
      case 'queue-full': case 'overloaded': return t.full;
      case 'too-many-requests': return fill(t.tooMany, { seconds: this.#trouble.retryAfter || 10 });
      case 'forbidden': case 'not-found': return t.notAllowed;
      default: return t.failedMore;
    }
  }

  #waitText() {
    const t = this.#texts;
    const ahead = this.#contact?.ahead;
    const place = ahead === undefined ? '' : ahead === 0 ? t.next : fill(t.ahead, { count: ahead });
    if (!this.#promise) return [place, t.waitUnknown].filter(Boolean).join(' ');
    const { low, high, until } = this.#promise;
    let wait;
    if (Date.now() > until + 15_000) wait = t.waitOver;
    else if (high <= 60) wait = t.waitShort;
    else {
      const [least, largest] = [Math.max(1, Math.floor(low / 60)), Math.ceil(high / 60)];
      const about = Math.floor((least + largest) / 2);
      wait = fill(least === largest ? t.waitOne : t.wait, { about, low: least, high: largest });
    }
    return [place, wait].filter(Boolean).join(' ');
  }

  #renderBanner() {
    // A break of a moment is nobody's business.
    const seconds = this.#lostAt ? Math.floor((Date.now() - this.#lostAt) / 1000) : 0;
    this.banner.hidden = seconds < 1;
    const words = this.banner.lastChild;
    // Changed only once, so that a screen reader says it once.
    if (!this.banner.hidden && !words.textContent) words.textContent = this.#texts.lost;
    if (this.banner.hidden) words.textContent = '';
  }

  #renderCard(lead, more) {
    const t = this.#texts;
    const kind = this.state + '|' + lead + '|' + more;
    if (this.card.dataset.kind === kind) return;
    this.card.dataset.kind = kind;
    const busy = ['connecting', 'queued', 'offering'].includes(this.state);
    const dots = busy ? make('span', { className: 'dots', 'aria-hidden': 'true' }, make('i'), make('i'), make('i')) : undefined;
    this.card.hidden = this.state === 'talking';
    this.card.className = this.state === 'idle' ? 'welcome' : 'card';
    this.card.replaceChildren(make('p', { className: 'lead' }, dots, lead), more ? make('p', { className: 'wait' }, more) : '');
    if (this.state === 'ended') this.card.append(this.#button(t.again, () => this.#again()));
    if (this.state === 'failed') this.card.append(this.#button(t.retry, () => this.#retry()));
    if (this.state === 'closed') this.card.append(this.#button(t.retry, () => this.#retry()));
  }

  #button(text, action) { return make('button', { type: 'button', className: 'button', onclick: action }, text); }

  #renderLog() {
    const t = this.#texts;
    const isAtEnd = this.body.scrollHeight - this.body.scrollTop - this.body.clientHeight < 80;
    // Messages are only appended, so that a screen reader reads new ones and no others.
    const shown = new Set([...this.log.children].map((element) => element.dataset.id));
    const wanted = new Set(this.#messages.keys());
    for (const element of [...this.log.children]) if (!wanted.has(element.dataset.id)) element.remove();
    let last;
    for (const [id, message] of this.#messages) {
      if (!shown.has(id)) this.log.append(this.#bubble(id, message, last?.author === message.author));
      last = message;
    }
    for (const [place, message] of this.#pending.entries()) {
      const bubble = this.#bubble(`pending-${place}`, { author: 'visitor', text: message.text }, last?.author === 'visitor');
      bubble.classList.add('pending');
      if (this.#isOver) bubble.append(make('p', { className: 'note bad' }, t.notSent));
      else if (message.state === 'failed') {
        const again = make('button', { type: 'button', onclick: () => { message.state = 'new'; this.#flush(); } }, t.retry);
        bubble.append(make('p', { className: 'note bad' }, t.notSent + ' ', again));
      } else if (this.state !== 'connecting') bubble.append(make('p', { className: 'note' }, t.sending));
      this.log.append(bubble);
      last = { author: 'visitor' };
    }
    this.log.hidden = !this.log.children.length;
    if (isAtEnd) this.body.scrollTop = this.body.scrollHeight;
  }

  #bubble(id, message, follows) {
    const names = { visitor: this.#texts.you, agent: message.author_name };
    const time = message.at ? new Date(message.at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }) : '';
    const who = [names[message.author], time].filter(Boolean).join(' · ');
    const element = make('div', { className: `message ${message.author}` });
    element.dataset.id = id;
    element.classList.toggle('follows', Boolean(follows));
    if (message.author !== 'system') element.append(make('p', { className: 'who' }, who));
    element.append(make('p', { className: 'text' }, message.text));
    return element;
  }

  /** The page's own phone link is the next step when the chat is none. */
  #renderPhone() {
    const link = this.#host.querySelector('a[href]');
    const isFine = ['talking', 'held'].includes(this.state) && !(Date.now() - this.#lostAt > 10_000);
    this.phone.hidden = !link || isFine;
    if (!link || this.phone.children.length) return;
    this.phone.replaceChildren(this.#texts.call + ' ', make('a', { href: link.href }, link.textContent));
  }
}
