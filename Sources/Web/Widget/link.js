// The line to the server: requests, event streams that go on where they broke off, and a visitor's contact over them.

/** A refusal of the server, or no answer at all (`kind` is then `network`). */
export class Trouble extends Error {
  constructor(kind, status, retryAfter, detail) {
    super(detail ?? kind);
    this.kind = kind;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** A random key. `crypto.randomUUID` is missing on pages without HTTPS. */
export const randomKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

/** One request. JSON is answered as a value, other types as `{ text, response }`, and 204 as nothing. */
export async function send(url, method, { body, type = 'application/json', key, token, headers = {} } = {}) {
  headers.accept = type;
  if (token) headers.authorization = `Bearer ${token}`;
  if (key) headers['idempotency-key'] = key;
  if (body) headers['content-type'] = type;
  let response;
  try {
    response = await fetch(url, {
      method, headers, body: typeof body === 'object' ? JSON.stringify(body) : body, credentials: 'omit', cache: 'no-store',
      signal: AbortSignal.timeout(15_000),
    });
  } catch { throw new Trouble('network', 0); }
  if (response.status === 204) return undefined;
  if (response.ok && type !== 'application/json') return { text: await response.text(), response };
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const kind = String(answer.type || 'internal').split(':').pop();
  throw new Trouble(kind, response.status, Number(response.headers.get('retry-after')) || 0, answer.detail);
}

const patience = 40_000; // The server says something every 15 s.

/** Server-sent events by `fetch`, so that the token stands in a header and in no address. */
export class Events {
  #url; #token; #on; #lastEventID; #wake;
  #stop = new AbortController();

  /** `on` has `event(name, payload)`, `up()`, `down()` and `gone()`. */
  constructor(url, token, on) {
    this.#url = url;
    this.#token = token;
    this.#on = on;
    addEventListener('online', () => this.#wake?.(), { signal: this.#stop.signal });
  }

  close() { this.#stop.abort(); }

  /** Reads until the story is over; a broken stream goes on where it broke off. */
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
        const headers = { authorization: `Bearer ${this.#token}`, accept: 'text/event-stream' };
        if (this.#lastEventID) headers['last-event-id'] = this.#lastEventID;
        const response = await fetch(this.#url, {
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

/** A visitor as base64url of JSON, at most 2 KiB of it: what the page told last gives way first. */
function encoded({ name, attributes }) {
  const kept = Object.entries(attributes);
  for (;;) {
    const bytes = new TextEncoder().encode(JSON.stringify({ name, attributes: Object.fromEntries(kept) }));
    if (bytes.length <= 2_048 || !kept.length) {
      return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
    }
    kept.pop();
  }
}

const sdp = 'application/sdp';
const at = (entry) => `contacts?entry=${encodeURIComponent(entry)}`;

/** A visitor's contact. */
export class Link {
  #api; #on; #events;

  /** `on` is that of `Events`. */
  constructor(base, on) {
    this.#api = new URL('../v1/', base).href;
    this.#on = on;
  }

  #send(path, method, options) { return send(this.#api + path, method, { token: this.token, ...options }); }

  get #contact() { return `contacts/${this.id}`; }

  /** What the entry offers now. */
  entry(name) { return this.#send(`entry?name=${encodeURIComponent(name)}`, 'GET'); }

  /** Opens a chat. `identity` is the site's signed word for its visitor, if it has one. */
  async chat(entry, visitor, identity) {
    const opened = await this.#send(at(entry), 'POST', { body: visitor, key: randomKey(), token: identity });
    this.resume(opened.contact.id, opened.token);
    return opened.contact;
  }

  /** Opens a call: the offer goes there, the answer comes back (WHIP, RFC 9725). */
  async call(entry, offer, visitor, identity) {
    const headers = { 'switchboard-visitor': encoded(visitor) };
    const { text, response } = await this.#send(at(entry), 'POST', { body: offer, type: sdp, headers, token: identity });
    this.resume(response.headers.get('location')?.split('/').pop(), response.headers.get('switchboard-token'));
    return text;
  }

  resume(id, token) {
    this.id = id;
    this.token = token;
  }

  /** A new offer for the same call, as after a reload. */
  async offer(body) { return (await this.#send(this.#contact, 'PATCH', { body, type: sdp })).text; }

  /** New ICE credentials for the same connection; the answer is the server's own. */
  async restart(body) { return (await this.#send(this.#contact, 'PATCH', { body, type: 'application/trickle-ice-sdpfrag' }))?.text; }

  /** With one key a message that is sent again is posted once. */
  post(text, key) { return this.#send(`${this.#contact}/messages`, 'POST', { body: { text }, key }); }

  end() { return this.#send(this.#contact, 'DELETE'); }

  /** The tab is closing. A beacon carries no headers, so the token is its body. */
  leave() { navigator.sendBeacon(`${this.#api}${this.#contact}/leave`, this.token); }

  follow() {
    this.#events = new Events(`${this.#api}${this.#contact}/events`, this.token, this.#on);
    return this.#events.follow();
  }

  close() { this.#events?.close(); }
}
