// The agent's side of the stage: `duties` are the ways to each picture of the phone page.
const desk = {
  agent: {
    id: 'ag_amina', name: 'Amina Berg', state: 'ready', phone: 'unreachable', contacts: [],
  },
  phones: 0,
  change(agent) {
    Object.assign(this.agent, agent);
    stage.emit('agent.state_changed', this.agent);
  },
  get shown() { return document.querySelector('main').dataset.picture; },
  async sees(picture) { await until(() => this.shown === picture, `the picture ${picture}, not ${this.shown}`); },
  button(words) { return [...document.querySelectorAll('button')].find((button) => button.getClientRects().length && button.textContent.trim().startsWith(words)); },
  async press(words) { (await until(() => this.button(words), `the button ${words}`)).click(); },
  async logIn(token = 'secret') {
    const field = await until(() => document.querySelector('#token'), 'the field');
    field.value = token;
    field.form.requestSubmit();
  },
};

answer = async (path, { method, headers, body }) => {
  if (stage.refusal === 'network') throw new TypeError('network');
  if (headers.authorization !== 'Bearer secret') return json({ type: 'urn:switchboard:problem:unauthorized', status: 401 }, 401);
  if (stage.refusal && path.includes('phone')) {
    const { kind, status, detail } = stage.refusal;
    return json({ type: `urn:switchboard:problem:${kind}`, status, detail }, status);
  }
  if (path === 'agents/me') return json(desk.agent);
  if (path === 'agents/me/choices') return json({ reasons: ['lunch', 'training'], codes: { q_support: ['solved', 'follow_up', 'other'] } });
  if (path === 'agents/me/events') {
    if (!stage.isStreaming) throw new TypeError('network');
    return new Response(new ReadableStream({
      start(controller) {
        stage.stream = controller;
        stage.emit('stream.reset', { agent: desk.agent });
      },
    }));
  }
  if (path === 'agents/me/phone') {
    desk.phones += 1;
    desk.agent.phone_id = `ph_${desk.phones}`;
    return new Response(await stage.answerer(body), { status: 201, headers: { location: `/v1/agents/me/phone/ph_${desk.phones}` } });
  }
  if (headers['content-type'] === 'application/sdp') return new Response(await stage.answerer(body));
  if (headers['content-type'] === 'application/trickle-ice-sdpfrag') return new Response('a=ice-ufrag:new1\r\na=ice-pwd:newpasswordnewpassword\r\n');
  if (path.startsWith('agents/me/')) return json(desk.agent);
  return new Response(null, { status: 204 });
};

const caller = {
  id: 'ct_9', channel: 'voice', queue: 'q_support', state: 'offering', visitor_name: 'Jo Park', is_lost: false,
  attributes: { 'page.url': 'https://shop.acme.example/cart', 'page.language': 'en', 'verified.customer': '4711' },
};
const ready = async () => {
  await desk.logIn();
  await desk.sees('ready');
};
const ring = async () => {
  await ready();
  const contact = { ...caller, entered_at: new Date(Date.now() - 171_000).toISOString() };
  desk.change({ offer: { id: 'of_3', contact, deadline: new Date(Date.now() + 20_000).toISOString(), accepts_in_console: true } });
  await desk.sees('ringing');
};
const talk = async () => {
  await ring();
  await desk.press('Accept');
  await until(() => stage.requests.some(({ path }) => path === 'offers/of_3/accept'), 'the accept');
  desk.change({ offer: undefined, contacts: [{ ...caller, state: 'talking', answered_at: new Date(Date.now() - 63_000).toISOString() }] });
  await desk.sees('talking');
};

const duties = {
  login: async () => { await until(() => document.querySelector('#token'), 'the field'); },
  wrongToken: async () => {
    await desk.logIn('wrong');
    await until(() => document.body.innerText.includes('no valid token'), 'the refusal');
  },
  asking: async () => {
    stage.microphone = 'pending';
    await desk.logIn();
    await desk.sees('asking');
  },
  connecting: async () => {
    stage.answerer = () => new Promise(() => {});
    await desk.logIn();
    await desk.sees('connecting');
  },
  denied: async () => {
    stage.microphone = 'NotAllowedError';
    await desk.logIn();
    await desk.sees('denied');
  },
  missing: async () => {
    stage.microphone = 'NotFoundError';
    await desk.logIn();
    await desk.sees('missing');
  },
  refused: async () => {
    stage.refusal = { kind: 'conflict', status: 409, detail: 'Your phone is a SIP phone: the page cannot stand for it.' };
    await desk.logIn();
    await desk.sees('refused');
  },
  ready,
  notReady: async () => {
    await ready();
    desk.change({ state: 'not_ready', reason: 'lunch' });
    await desk.sees('not_ready');
  },
  signedOut: async () => {
    await ready();
    desk.change({ state: 'signed_out' });
    await desk.sees('signed_out');
  },
  ring,
  joining: async () => {
    await ring();
    desk.change({ offer: undefined, contacts: [{ ...caller, state: 'connecting' }] });
    await desk.sees('joining');
  },
  talk,
  muted: async () => {
    await talk();
    await desk.press('Mute');
    await desk.press('Keypad');
    for (const digit of '17#') await desk.press(digit);
  },
  held: async () => {
    await talk();
    await desk.press('Hold');
    desk.change({ contacts: [{ ...caller, state: 'held', answered_at: new Date(Date.now() - 63_000).toISOString() }] });
    await desk.sees('held');
  },
  wrapUp: async () => {
    await talk();
    desk.change({ contacts: [{ ...caller, state: 'wrap_up', wrap_up_ends_at: new Date(Date.now() + 40_000).toISOString() }] });
    await desk.sees('wrap_up');
  },
  lost: async () => {
    await talk();
    stage.refusal = 'network';
    stage.peer.become('failed');
    await desk.sees('lost');
  },
  taken: async () => {
    await ready();
    desk.change({ phone_id: 'ph_99' });
    await desk.sees('taken');
  },
};
