// The panel behind the button. `states.js` says what may happen, `words.js` what it is called; here are the effects.
import { CallView } from './call.js';
import { Chat } from './chat.js';
import { clock, fill, icon, initial, make, say } from './dom.js';
import { Link, Trouble } from './link.js';
import { Line, hindrance, mayListen, obstacle } from './media.js';
import { lostAt, next, start, states, steps } from './states.js';
import { style } from './style.js';
import { words } from './words.js';

const resumable = 15 * 60_000; // milliseconds

/** Cuts to at most 256 bytes of UTF-8. */
function cut(text) {
  let kept = String(text);
  while (new TextEncoder().encode(kept).length > 256) kept = kept.slice(0, -8);
  return kept;
}

export async function mount(host, base, texts, stored) {
  const own = host.getAttribute('texts');
  return new Panel(host, base, own ? { ...texts, ...await (await fetch(own, { credentials: 'omit' })).json() } : texts, stored);
}

class Panel {
  session = start;
  #host; #base; #t; #root; #launcher; #line; #identity;
  #unread = 0;

  constructor(host, base, texts, stored) {
    this.#host = host;
    this.#base = base;
    this.#t = texts;
    this.#root = host.shadowRoot;
    this.#launcher = this.#root.querySelector('.launcher');
    this.#root.adoptedStyleSheets.push(style);
    this.#build();
    addEventListener('pagehide', (event) => {
      if (!this.link.id || event.persisted || !this.#isBusy) return;
      this.#remember();
      this.link.leave();
    });
    setInterval(() => { if (this.#isBusy) this.render(); }, 1_000);
    this.#connect();
    if (stored && this.#resume(stored)) return;
    this.show();
    this.#ask();
  }

  // MARK: What happens

  get #isOver() { return Boolean(states[this.session.state].over); }
  get #isOpen() { return Boolean(states[this.session.state].open); }
  get #isBusy() { return this.#isOpen || ['checking', 'connecting'].includes(this.session.state); }

  tell(event) {
    const before = this.session;
    this.session = next(before, { now: Date.now(), ...event });
    if (this.session === before) return;
    if (this.#isOver && !states[before.state].over) this.#finish();
    this.render();
  }

  #connect() {
    this.link?.close();
    const link = this.link = new Link(this.#base, {
      event: (name, payload) => this.#event(name, payload),
      up: () => {
        this.tell({ type: 'link', isUp: true });
        if (this.#isOpen) this.chat.again();
      },
      down: () => this.tell({ type: 'link', isUp: false }),
      gone: () => this.tell({ type: 'over', ending: 'gone' }),
    });
    return link;
  }

  /** Asks what the entry offers; where it is calls only, the press was the wish to call. */
  async #ask() {
    try {
      const entry = await this.link.entry(this.#host.getAttribute('entry'));
      const only = this.#host.getAttribute('channels')?.split(/\s+/);
      if (only) entry.channels = entry.channels.filter((channel) => only.includes(channel));
      const wasLoading = this.session.state === 'loading';
      this.tell({ type: 'entry', entry });
      if (!wasLoading) return;
      if (this.session.state === 'closed') return this.#focus();
      const [channel, another] = entry.channels.filter((channel) => channel !== 'callback');
      if (another) this.#focus();
      else if (channel === 'voice') this.take('call');
      else this.take('chat');
    } catch (error) {
      if (this.session.state === 'loading') this.tell({ type: 'refused', trouble: error });
    }
  }

  #event(name, payload) {
    switch (name) {
      case 'stream.reset':
        this.chat.clear();
        for (const message of payload.messages ?? []) this.#hear(message);
        if (payload.contact) this.tell({ type: 'contact', contact: payload.contact });
        break;
      case 'message.created': this.#hear(payload); break;
      case 'quality': this.tell({ type: 'quality', quality: payload.quality }); break;
      case 'contact.queued': case 'contact.changed': case 'contact.answered': case 'contact.ended':
        this.tell({ type: 'contact', contact: payload });
        break;
    }
    if (this.#isOpen) this.#remember();
    this.render();
  }

  #hear(message) {
    if (this.chat.hear(message) && this.panel.hidden) this.#unread += 1;
  }

  // MARK: What the visitor does

  /** One of the next steps of `states.js`. */
  take(step) {
    const { channel } = this.session;
    switch (step) {
      case 'call': return this.#call();
      case 'chat': case 'message': this.tell({ type: 'write' }); break;
      case 'resume': return this.#call();
      case 'leave': return this.hangUp();
      case 'hear': this.#line?.play(); break;
      case 'again': case 'retry':
        if (channel === 'voice') return this.#call();
        if (channel !== 'chat') return this.#begin();
        if (step === 'retry' && this.chat.draft) return this.chat.start(this.chat.draft.text, this.chat.draft.name);
        this.chat.clear();
        this.tell({ type: 'write' });
    }
    this.#focus();
  }

  #begin() {
    this.session = start;
    this.render();
    this.#ask();
  }

  back() {
    this.#line?.close();
    this.tell({ type: 'back' });
    this.#focus();
  }

  async openChat(name) {
    this.tell({ type: 'press', channel: 'chat' });
    const link = this.#connect();
    try {
      const contact = await link.chat(this.#entry, this.#visitor(name), await this.#vouched());
      this.#remember();
      this.tell({ type: 'contact', contact });
      link.follow();
      this.chat.flush();
    } catch (error) { this.#refuse(error); }
  }

  /** A new call, or the way back into one that a reload broke off. */
  async #call() {
    const { state } = this.session;
    const isResumed = state === 'paused' || state === 'connecting';
    if (state !== 'connecting') this.tell({ type: 'press', channel: 'voice' });
    this.#focus();
    const hindered = hindrance();
    if (hindered) return this.tell({ type: 'microphone', obstacle: hindered });
    const link = isResumed ? this.link : this.#connect();
    const line = this.#line = this.call.line = this.#newLine(link);
    try { await line.listen(); } catch (error) {
      line.close();
      return this.tell({ type: 'microphone', obstacle: obstacle(error) });
    }
    if (line.isClosed) return;
    this.tell({ type: 'microphone' });
    try {
      await line.open();
      if (line.isClosed) return void link.end().catch(() => {});
      if (this.session.contact) this.tell({ type: 'contact', contact: this.session.contact });
      this.#remember();
      if (!isResumed) link.follow();
    } catch (error) {
      line.close();
      this.#refuse(error);
    }
  }

  #newLine(link) {
    return new Line({
      media: (event) => this.tell({ type: 'media', event }),
      blocked: (isSilent) => this.tell({ type: 'silent', isSilent }),
    }, {
      offer: async (sdp) => link.id ? link.offer(sdp) : link.call(this.#entry, sdp, this.#visitor(), await this.#vouched()),
      restart: (fragment) => link.restart(fragment),
      isOver: (error) => {
        if (![401, 403, 404, 409, 410].includes(error.status)) return false;
        this.tell({ type: 'over', ending: 'gone' });
        return true;
      },
    });
  }

  hangUp() {
    const { link } = this;
    if (!link.id) return this.back();
    // Without a link the server notices by itself that nobody is there any more.
    const told = link.end().catch((error) => { if (error.kind === 'network') link.leave(); });
    this.#line?.close(told);
    this.tell({ type: 'over', ending: 'contact_left' });
  }

  #refuse(error) {
    this.tell({ type: 'refused', trouble: error instanceof Trouble ? error : new Trouble('internal', 0) });
  }

  #finish() {
    this.#line?.close();
    this.#line = this.call.line = undefined;
    if (this.session.state !== 'ended' && this.link.id) this.link.end().catch(() => {});
    this.link.close();
    this.#forget();
  }

  // MARK: Who visits

  get #entry() { return this.#host.getAttribute('entry'); }

  /** What the page tells about the visit: unverified, shown to the agent. */
  #visitor(name = this.#host.getAttribute('visitor-name')) {
    const page = { url: location.origin + location.pathname, title: document.title, language: navigator.language };
    const told = Object.entries(this.#host.dataset).slice(0, 13);
    const attributes = Object.fromEntries([...Object.entries(page), ...told].map(([key, value]) => [cut(key), cut(value)]));
    return { name: name || undefined, attributes };
  }

  /** The site's own signed word for who this is, fetched as the visitor of the site. */
  async #vouched() {
    const url = this.#host.getAttribute('token-url');
    if (!url) return undefined;
    let response;
    try { response = await fetch(url, { credentials: 'same-origin', cache: 'no-store' }); } catch { throw new Trouble('network', 0); }
    // A visitor whom the site does not know is no error: the entry decides whether strangers may come.
    if (response.status === 204 || response.status === 401) return undefined;
    if (!response.ok) throw new Trouble('unauthorized', response.status);
    const text = (await response.text()).trim();
    return text.startsWith('{') ? JSON.parse(text).token : text;
  }

  // MARK: Remembering

  get #key() { return 'switchboard:' + this.#entry; }

  #remember() {
    const { id, token } = this.link;
    const session = { id, token, channel: this.session.channel, at: Date.now() };
    try { sessionStorage.setItem(this.#key, JSON.stringify(session)); } catch { /* then a reload starts anew */ }
  }

  #forget() {
    try { sessionStorage.removeItem(this.#key); } catch { /* nothing was stored then */ }
  }

  /** After a reload: the same contact, if it was not long ago. */
  #resume(stored) {
    let kept;
    try { kept = JSON.parse(stored); } catch { kept = {}; }
    this.#forget();
    if (!kept.id || !(Date.now() - kept.at < resumable)) return false;
    this.link.resume(kept.id, kept.token);
    this.#pickUp(kept.channel ?? 'chat');
    return true;
  }

  async #pickUp(channel) {
    // The microphone is asked for only after a press, so without a standing permission the call waits for one.
    const isPaused = channel === 'voice' && (Boolean(hindrance()) || !await mayListen());
    this.tell({ type: 'resume', channel, isPaused });
    this.#remember();
    this.show();
    this.link.follow();
    this.#ask();
    if (channel === 'voice' && !isPaused) this.#call();
  }

  // MARK: Building

  #build() {
    const t = this.#t;
    this.call = new CallView(this, t);
    this.chat = new Chat(this, t);
    const button = (name, label, onclick) => make('button', { type: 'button', 'aria-label': label, title: label, onclick }, icon(name));
    this.face = make('div', { className: 'face', 'aria-hidden': 'true' });
    this.title = make('h2', { id: 'title' });
    this.subtitle = make('p', { className: 'subtitle' });
    this.backButton = button('back', t.back, () => this.back());
    this.close = button('close', t.end, () => this.chat.question(true));
    this.minimize = button('minimize', t.minimize, () => this.hide());
    this.status = make('div', { className: 'hush', role: 'status' });
    this.banner = make('div', { className: 'banner', hidden: true }, make('span', { className: 'pulse' }), make('span', { role: 'alert' }));
    this.body = make('div', { className: 'body' });
    this.phone = make('p', { className: 'phone' });
    this.foot = make('div', { className: 'foot' });
    this.panel = make('section', { className: 'panel', role: 'dialog', 'aria-labelledby': 'title', lang: t.lang },
      make('header', {}, this.backButton, this.face, make('div', { className: 'titles' }, this.title, this.subtitle), this.close, this.minimize),
      this.banner, this.body, this.foot);
    this.pill = make('button', { type: 'button', className: 'pill', hidden: true, lang: t.lang, onclick: () => this.show() },
      make('span', { className: 'pulse' }), make('span'), make('span', { className: 'badge' }));
    this.panel.addEventListener('keydown', (event) => this.#keyDown(event));
    this.#root.append(this.panel, this.pill, this.status);
    const link = this.#host.querySelector('a[href]');
    if (link) this.phone.append(t.phone + ' ', make('a', { href: link.href }, link.textContent));
  }

  #keyDown(event) {
    if (event.target.matches('input, textarea') && event.key !== 'Escape') return;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === 'Escape') {
      if (this.chat.isAsking) this.chat.question(false);
      else if (this.call.isKeypadOpen) this.call.openKeypad(false);
      else this.hide();
    } else if (!this.call.type(event.key)) return;
    event.stopPropagation();
    event.preventDefault();
  }

  /** A next step as a button; the first one is the likeliest. */
  step(step, place) {
    const t = this.#t;
    const isCall = this.session.channel === 'voice';
    const labels = {
      again: isCall ? t.againCall : this.session.channel ? t.againChat : t.again, retry: t.retry, chat: this.session.state === 'ended' ? t.chat : t.chatInstead,
      message: t.messageInstead, resume: t.resume, leave: t.leaveCall, hear: t.hear,
    };
    return make('button', { type: 'button', className: place ? 'button quiet' : 'button', onclick: () => this.take(step) }, labels[step]);
  }

  /** One of the ways to reach us, before anything has begun. */
  choice(step) {
    const t = this.#t;
    const [name, lead, more] = step === 'call' ? ['phone', t.call, t.callMore] : ['chat', t.chat, t.chatMore];
    return make('button', { type: 'button', className: 'choice', onclick: () => this.take(step) },
      make('span', { className: 'disc' }, icon(name)), make('span', { className: 'titles' }, make('b', {}, lead), make('span', {}, more)));
  }

  // MARK: Showing

  show() {
    this.panel.hidden = false;
    this.#unread = 0;
    this.#launcher.setAttribute('aria-expanded', 'true');
    this.render();
    this.#focus();
  }

  /** What is open goes on behind the button. */
  hide() {
    this.panel.hidden = true;
    this.#launcher.setAttribute('aria-expanded', 'false');
    this.render();
    (this.pill.hidden ? this.#launcher : this.pill).focus();
  }

  get #view() { return this.session.channel === 'chat' ? this.chat : this.call; }

  #focus() {
    if (!this.panel.hidden) (this.#view.first ?? this.minimize).focus();
  }

  render() {
    const { session } = this;
    const t = this.#t;
    const now = Date.now();
    const hadFocus = !this.panel.hidden && this.panel.contains(this.#root.activeElement);
    const said = words(session, t, now);
    const next = steps(session);
    const isChat = session.channel === 'chat';
    this.panel.dataset.view = isChat ? 'chat' : session.state === 'idle' || session.state === 'loading' ? 'start' : 'call';
    this.panel.dataset.state = session.state;
    if (!this.body.contains(this.#view.body)) {
      this.body.replaceChildren(this.#view.body);
      this.foot.replaceChildren(this.#view.foot, this.phone);
    }
    this.#view.render(session, said, next, now);
    this.#renderHeader(session, said);
    this.#renderBanner(now);
    this.#renderPill(session, said, now);
    say(this.status, session.state === 'idle' || session.state === 'loading' ? '' : said.filter(Boolean).join(' '));
    const isFine = ['talking', 'held'].includes(session.state) && !(now - lostAt(session) > 10_000);
    this.phone.hidden = !this.phone.children.length || isFine;
    // What had the focus may be gone.
    if (hadFocus && !this.#root.activeElement?.getClientRects().length) this.#focus();
  }

  #renderHeader({ state, channel, contact, entry }, [lead]) {
    const isTalking = state === 'talking' || state === 'held';
    const agent = channel === 'chat' && isTalking ? contact?.agent_name : undefined;
    const heading = this.#host.getAttribute('heading') || this.#t.title;
    say(this.title, agent ?? heading);
    this.#renderFace(agent ? initial(agent) : channel === 'chat' ? 'chat' : 'phone');
    this.face.classList.toggle('here', isTalking && !lostAt(this.session));
    const calm = agent && state === 'talking' ? this.#t.talkingAnyone : lead;
    const isCalm = channel === 'chat' && ['connecting', 'queued', 'offering', 'talking'].includes(state) && !lostAt(this.session);
    say(this.subtitle, isCalm ? calm : '');
    this.subtitle.hidden = !this.subtitle.textContent;
    this.backButton.hidden = !(channel && state === 'idle' && steps({ state, entry }).length > 1);
    this.face.hidden = !this.backButton.hidden;
    this.close.hidden = !(channel === 'chat' && this.#isOpen);
  }

  #renderFace(face) {
    if (this.face.dataset.face === face) return;
    this.face.dataset.face = face;
    this.face.replaceChildren(face.length > 2 ? icon(face) : face);
  }

  #renderBanner(now) {
    // A break of a moment is nobody's business.
    this.banner.hidden = !(now - lostAt(this.session) >= 1_000);
    // Changed only once, so that a screen reader says it once.
    say(this.banner.lastChild, this.banner.hidden ? '' : this.#t.lost);
  }

  /** What goes on while the panel is closed. */
  #renderPill(session, [lead], now) {
    const [, words, badge] = this.pill.children;
    this.pill.hidden = !this.panel.hidden || !this.#isBusy;
    this.#host.toggleAttribute('busy', !this.pill.hidden);
    const name = session.contact?.agent_name;
    const time = session.talkingSince && session.channel === 'voice' ? clock(now - session.talkingSince) : '';
    say(words, [session.talkingSince && name ? name : lead, time].filter(Boolean).join(' · '));
    this.pill.setAttribute('aria-label', fill(this.#t.hidden, { name: words.textContent }));
    badge.hidden = !this.#unread;
    say(badge, fill(this.#t.unread, { count: this.#unread }));
  }
}
