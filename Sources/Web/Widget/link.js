// The line to the server: one contact, its messages and its event stream. It reconnects by itself.

/** A refusal of the server, or no answer at all (`kind` is then `network`). */
export class Trouble extends Error {
  constructor(kind, status, retryAfter) {
    super(kind);
    this.kind = kind;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** A random key. `crypto.randomUUID` is missing on pages without HTTPS. */
export const randomKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

const patience = 40_000; // The server says something every 15 s.

export class Link {
  #api;
  #on;
  #lastEventID;
  #stop = new AbortController();
  #wake;

  /** `on` has `event(name, payload)`, `up()`, `down()` and `gone()`. */
  constructor(base, on) {
    this.#api = new URL('../v1/contacts', base).href;
    this.#on = on;
    addEventListener('online', () => this.#wake?.(), { signal: this.#stop.signal });
  }

  async open(entry, visitor) {
    const opened = await this.#send(`?entry=${encodeURIComponent(entry)}`, 'POST', visitor, randomKey());
    this.id = opened.contact.id;
    this.token = opened.token;
    return opened.contact;
  }

  resume(id, token) {
    this.id = id;
    this.token = token;
  }

  /** With one key a message that is sent again is posted once. */
  post(text, key) { return this.#send(`/${this.id}/messages`, 'POST', { text }, key); }

  end() { return this.#send(`/${this.id}`, 'DELETE'); }

  /** The tab is closing. A beacon carries no headers, so the token is its body. */
  leave() { navigator.sendBeacon(`${this.#api}/${this.id}/leave`, this.token); }

  close() { this.#stop.abort(); }

  async #send(path, method, body, key) {
    const headers = { accept: 'application/json' };
    if (this.token) headers.authorization = `Bearer ${this.token}`;
    if (key) headers['idempotency-key'] = key;
    if (body) headers['content-type'] = 'application/json';
    let response;
    try {
      response = await fetch(this.#api + path, {
        method, headers, body: body && JSON.stringify(body), credentials: 'omit', signal: AbortSignal.timeout(15_000),
      });
    } catch { throw new Trouble('network', 0); }
    if (response.status === 204) return undefined;
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    const kind = String(answer.type || 'internal').split(':').pop();
    throw new Trouble(kind, response.status, Number(response.headers.get('retry-after')) || 0);
  }

  /** Reads events until the contact is over; a broken stream goes on where it broke off. */
  async follow() {
    let attempt = 0;
    while (!this.#stop.signal.aborted) {
      const abort = new AbortController();
      let watch;
      const alive = () => {
        clearTimeout(watch);
        watch = setTimeout(() => abort.abort(), patience);
      };
      alive();
      try {
        const headers = { authorization: `Bearer ${this.token}`, accept: 'text/event-stream' };
        if (this.#lastEventID) headers['last-event-id'] = this.#lastEventID;
        const response = await fetch(`${this.#api}/${this.id}/events`, {
          headers, cache: 'no-store', credentials: 'omit', signal: AbortSignal.any([abort.signal, this.#stop.signal]),
        });
        if ([401, 403, 404, 410].includes(response.status)) {
          this.close();
          return this.#on.gone();
        }
        if (response.ok) {
          attempt = 0;
          this.#on.up();
          await this.#read(response.body, alive);
        }
      } catch { /* The link broke: what follows is the same as after an end of stream. */ } finally { clearTimeout(watch); }
      if (this.#stop.signal.aborted) return;
      this.#on.down();
      await this.#pause(Math.min(8_000, 400 * 2 ** attempt++) * (0.75 + Math.random() / 2));
    }
  }

  #pause(milliseconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #read(body, alive) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      alive();
      rest += value;
      for (let end; (end = rest.indexOf('\n\n')) >= 0; rest = rest.slice(end + 2)) this.#take(rest.slice(0, end));
    }
  }

  #take(block) {
    let name = 'message';
    let id;
    const data = [];
    for (const line of block.split('\n')) {
      const colon = line.indexOf(':');
      const value = line.slice(colon + 1).replace(/^ /, '');
      if (colon > 0) switch (line.slice(0, colon)) {
        case 'event': name = value; break;
        case 'id': id = value; break;
        case 'data': data.push(value); break;
      }
    }
    if (data.length) this.#on.event(name, JSON.parse(data.join('\n')));
    // Only what was handled counts as read.
    if (id) this.#lastEventID = id;
  }
}
