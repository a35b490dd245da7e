// The chat: messages, the field to write in, and the question whether to end.
import { fill, icon, make, say } from './dom.js';
import { Trouble, randomKey } from './link.js';
import { states } from './states.js';

const most = 4_000; // characters of a message

export class Chat {
  #panel; #t;
  #messages = new Map();
  #pending = [];
  #isAsking = false;
  #isFlushing = false;

  constructor(panel, texts) {
    this.#panel = panel;
    const t = this.#t = texts;
    this.log = make('div', { className: 'log', role: 'log', 'aria-live': 'polite', 'aria-label': t.log, tabIndex: 0 });
    this.card = make('div');
    this.name = make('input', { className: 'field', placeholder: t.name, autocomplete: 'name', maxLength: 80, 'aria-label': t.name });
    this.text = make('textarea', { placeholder: t.message, rows: 1, 'aria-label': t.message, 'aria-describedby': 'count', enterKeyHint: 'send' });
    this.count = make('p', { className: 'note bad count', id: 'count', role: 'status' });
    this.send = make('button', { type: 'submit', 'aria-label': t.send, title: t.send }, icon('send'));
    this.form = make('form', {}, this.name, make('div', { className: 'compose' }, this.text, this.send), this.count);
    this.ask = make('div', { className: 'ask', role: 'group', 'aria-label': t.endAsk, hidden: true }, make('p', {}, t.endAsk),
      make('button', { type: 'button', className: 'button', onclick: () => this.#end() }, t.endYes),
      make('button', { type: 'button', className: 'button quiet', onclick: () => this.question(false) }, t.endNo));
    this.body = make('div', { className: 'chat' }, this.log, this.card);
    this.foot = make('div', { className: 'chat' }, this.ask, this.form);
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
    this.#measure();
  }

  /** Where the keyboard goes in this view. */
  get first() { return this.#isAsking ? this.ask.querySelector('button') : this.form.hidden ? this.card.querySelector('button') : this.text; }

  get isAsking() { return this.#isAsking; }

  clear() {
    this.#messages.clear();
    this.#pending = [];
    this.#isAsking = false;
  }

  // MARK: Messages of ours

  #measure() {
    const over = [...this.text.value].length - most;
    say(this.count, over > 0 ? fill(this.#t.tooLong, { count: over }) : '');
    this.send.disabled = over > 0 || !this.text.value.trim();
    this.text.style.height = '44px';
    this.text.style.height = Math.min(Math.max(this.text.scrollHeight, 44), 132) + 'px';
  }

  #submit() {
    const text = this.text.value.trim();
    const { state } = this.#panel.session;
    if (this.send.disabled || !text || state !== 'idle' && !states[state].open) return;
    this.text.value = '';
    this.#measure();
    if (state === 'idle') return void this.start(text, this.name.value.trim());
    this.say(text);
    this.flush();
  }

  /** Opens the chat with its first message. */
  start(text, name) {
    this.draft = { text, name };
    this.clear();
    this.say(text);
    this.#panel.openChat(name);
  }

  say(text) {
    this.#pending.push({ text, key: randomKey(), state: 'new' });
    this.#panel.render();
  }

  /** Sends what waits, in order; a message that failed stays and can be sent again. */
  async flush() {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    for (let message; (message = this.#pending.find((message) => message.state === 'new'));) {
      message.state = 'sending';
      this.#panel.render();
      try {
        const stored = await this.#panel.link.post(message.text, message.key);
        message.state = 'sent';
        if (stored && this.#pending.includes(message)) this.hear(stored);
      } catch (error) {
        if (error.kind === 'in-progress') {
          // An earlier try still goes on there: by its key this one gets the same answer.
          await new Promise((resolve) => { setTimeout(resolve, 1_000 * (error.retryAfter || 1)); });
          message.state = 'new';
        } else {
          message.state = 'failed';
          if (error instanceof Trouble && [404, 409, 410].includes(error.status)) this.#panel.tell({ type: 'over', ending: 'gone' });
        }
      }
      this.#panel.render();
    }
    this.#isFlushing = false;
  }

  /** What failed on a broken line is sent when the line is back. */
  again() {
    for (const message of this.#pending) if (message.state === 'failed') message.state = 'new';
    this.flush();
  }

  /** Takes a message; true if it is news to the visitor. */
  hear(message) {
    if (this.#messages.has(message.id)) return false;
    this.#messages.set(message.id, message);
    if (message.author !== 'visitor') return true;
    const place = this.#pending.findIndex((pending) => pending.text === message.text);
    if (place >= 0) this.#pending.splice(place, 1);
    return false;
  }

  question(isAsking) {
    this.#isAsking = isAsking;
    this.#panel.render();
    (isAsking ? this.first : this.#panel.close).focus();
  }

  #end() {
    this.#isAsking = false;
    this.#panel.hangUp();
  }

  // MARK: Showing

  render(session, [lead, more], steps) {
    const { state } = session;
    this.name.hidden = state !== 'idle';
    this.form.hidden = Boolean(states[state].over) || this.#isAsking;
    this.ask.hidden = !this.#isAsking;
    this.#renderCard(state, lead, more, steps);
    this.#renderLog(session);
  }

  #renderCard(state, lead, more, steps) {
    const key = [state, lead, more, ...steps].join('|');
    if (this.card.dataset.key === key) return;
    this.card.dataset.key = key;
    const isWaiting = ['connecting', 'queued', 'offering'].includes(state);
    const dots = isWaiting ? make('span', { className: 'dots', 'aria-hidden': 'true' }, make('i'), make('i'), make('i')) : undefined;
    this.card.hidden = state === 'talking';
    this.card.className = state === 'idle' ? 'welcome' : 'card';
    this.card.replaceChildren(make('p', { className: 'lead' }, dots, lead), more ? make('p', { className: 'more' }, more) : '',
      ...(states[state].over ? steps.map((step, place) => this.#panel.step(step, place)) : []));
  }

  #renderLog({ state, contact }) {
    const t = this.#t;
    const scroller = this.#panel.body;
    const isAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
    // Messages are only appended, so that a screen reader reads new ones and no others.
    const shown = new Set([...this.log.children].map((element) => element.dataset.id));
    for (const element of [...this.log.children]) if (!this.#messages.has(element.dataset.id)) element.remove();
    let last;
    for (const [id, message] of this.#messages) {
      if (!shown.has(id)) this.log.append(this.#bubble(id, message, last?.author === message.author));
      last = message;
    }
    for (const [place, message] of this.#pending.entries()) {
      const bubble = this.#bubble(`pending-${place}`, { author: 'visitor', text: message.text }, last?.author === 'visitor');
      bubble.classList.add('pending');
      if (states[state].over) bubble.append(make('p', { className: 'note bad' }, t.notSent));
      else if (message.state === 'failed') {
        const again = make('button', { type: 'button', onclick: () => { message.state = 'new'; this.flush(); } }, t.retry);
        bubble.append(make('p', { className: 'note bad' }, t.notSent + ' ', again));
      } else if (contact) bubble.append(make('p', { className: 'note' }, t.sending));
      this.log.append(bubble);
      last = { author: 'visitor' };
    }
    this.log.hidden = !this.log.children.length;
    if (isAtEnd) scroller.scrollTop = scroller.scrollHeight;
  }

  #bubble(id, message, follows) {
    const names = { visitor: this.#t.you, agent: message.author_name };
    const time = message.at ? new Date(message.at).toLocaleTimeString(this.#t.lang, { hour: '2-digit', minute: '2-digit' }) : '';
    const who = [names[message.author], time].filter(Boolean).join(' · ');
    const element = make('div', { className: `message ${message.author}` });
    element.dataset.id = id;
    element.classList.toggle('follows', Boolean(follows));
    if (message.author !== 'system') element.append(make('p', { className: 'who' }, who));
    element.append(make('p', { className: 'text' }, message.text));
    return element;
  }
}
