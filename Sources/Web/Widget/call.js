// The call on screen: who and how long, levels, mute, keypad, hang-up; and whatever else stands in the middle.
import { clock, fill, icon, initial, make, say } from './dom.js';
import { states } from './states.js';

const keys = [...'123456789*0#'];
/** After this long a microphone that never gave a sound is worth a word, in milliseconds. */
const patience = 12_000;

export class CallView {
  #panel; #t; #line; #frame; #digits = '';
  #isKeypadOpen = false;
  #isMusicOff = false;
  #heardAt;

  constructor(panel, texts) {
    this.#panel = panel;
    const t = this.#t = texts;
    this.picture = make('div', { className: 'picture', 'aria-hidden': 'true' });
    this.lead = make('p', { className: 'lead' });
    this.more = make('p', { className: 'more' });
    this.time = make('p', { className: 'time', role: 'timer' });
    this.levels = make('div', { className: 'levels' }, this.near = meter('microphone', t.nearLevel), this.far = meter('sound', t.farLevel));
    this.hint = make('p', { className: 'hint', role: 'status' });
    this.steps = make('div', { className: 'steps' });
    this.sent = make('p', { className: 'sent', role: 'status' });
    this.keypad = make('div', { className: 'keypad', role: 'group', 'aria-label': t.keypad, hidden: true },
      make('div', { className: 'keys' }, ...keys.map((key) => make('button', { type: 'button', onclick: () => this.#press(key) }, key))), this.sent);
    this.stage = make('div', { className: 'stage' }, this.picture, this.lead, this.more, this.time, this.levels, this.hint, this.steps);
    this.body = make('div', { className: 'call' }, this.stage, this.keypad);
    this.mute = control('microphone', t.mute, () => this.#toggleMute());
    this.music = control('music', t.music, () => this.#toggleMusic());
    this.pad = control('keypad', t.keypad, () => this.openKeypad(!this.#isKeypadOpen));
    this.end = control('hangUp', t.hangUp, () => panel.hangUp(), 'danger');
    this.foot = make('div', { className: 'controls', role: 'group', 'aria-label': t.call }, this.mute, this.music, this.pad, this.end);
    this.pad.setAttribute('aria-expanded', 'false');
  }

  get first() { return this.steps.querySelector('button') ?? (this.foot.hidden ? undefined : this.end); }
  get isKeypadOpen() { return this.#isKeypadOpen; }

  /** The line whose sound is shown; undefined when there is none any more. */
  set line(line) {
    this.#line = line;
    this.#digits = '';
    this.#heardAt = undefined;
    this.#isMusicOff = false;
    this.#showKeypad(false);
    if (line) this.#measure();
  }

  // MARK: What the visitor does

  #toggleMute() {
    this.#line?.mute(!this.#line.isMuted);
    this.#panel.render();
  }

  #toggleMusic() {
    this.#isMusicOff = !this.#isMusicOff;
    this.#panel.render();
  }

  openKeypad(isOpen) {
    if (this.#isKeypadOpen === isOpen) return;
    this.#showKeypad(isOpen);
    this.#panel.render();
    (isOpen ? this.keypad.querySelector('button') : this.pad).focus();
  }

  #showKeypad(isOpen) {
    this.#isKeypadOpen = isOpen;
    this.pad.setAttribute('aria-expanded', String(isOpen));
  }

  #press(key) {
    if (!this.#line?.canSendDigits) return;
    this.#line.press(key);
    this.#digits = (this.#digits + key).slice(-12);
    say(this.sent, fill(this.#t.sent, { digits: [...this.#digits].join(' ') }));
  }

  /** A digit of the keyboard while the keypad is open. */
  type(key) {
    const place = this.#isKeypadOpen ? keys.indexOf(key) : -1;
    if (place < 0) return false;
    this.keypad.querySelectorAll('button')[place].focus();
    this.#press(key);
    return true;
  }

  // MARK: Showing

  render(session, [lead, more], steps, now) {
    const { state, contact } = session;
    const { open, over } = states[state];
    const isTalking = state === 'talking' || state === 'held';
    const agent = isTalking && contact?.agent_name;
    if (!isTalking && this.#isKeypadOpen) this.#showKeypad(false);
    this.body.dataset.state = state;
    this.body.toggleAttribute('data-keypad', this.#isKeypadOpen);
    this.#renderPicture(state === 'talking' && agent ? initial(agent) : states[state].icon);
    say(this.lead, state === 'talking' ? agent || lead : lead);
    say(this.more, more);
    this.more.hidden = !more || this.#isKeypadOpen;
    this.time.hidden = !isTalking;
    say(this.time, isTalking ? clock(now - session.talkingSince) : '');
    this.levels.hidden = state !== 'talking' || this.#isKeypadOpen;
    this.keypad.hidden = !this.#isKeypadOpen;
    say(this.hint, this.#hint(session, now));
    this.#renderSteps(state, steps, session);
    this.foot.hidden = over || state === 'loading' || state === 'idle' || state === 'paused';
    this.music.hidden = !(open && !isTalking);
    this.mute.hidden = this.pad.hidden = !isTalking;
    this.pad.disabled = !this.#line?.canSendDigits;
    set(this.mute, this.#line?.isMuted, this.#line?.isMuted ? 'muted' : 'microphone', this.#t.mute);
    set(this.music, this.#isMusicOff, this.#isMusicOff ? 'quiet' : 'music', this.#t.music);
    set(this.end, undefined, 'hangUp', open ? this.#t.hangUp : this.#t.cancel);
    // Silenced music never hides the agent.
    if (this.#line) this.#line.audio.muted = this.#isMusicOff && !isTalking;
  }

  #hint({ state, talkingSince, isWeak }, now) {
    if (state !== 'talking' || !this.#line) return '';
    if (this.#line.isMuted) return this.#t.isMuted;
    if (isWeak) return this.#t.weak;
    return this.#heardAt === undefined && now - talkingSince > patience ? this.#t.quiet : '';
  }

  #renderPicture(picture) {
    if (this.picture.dataset.picture === picture) return;
    this.picture.dataset.picture = picture;
    this.picture.replaceChildren(make('span', {}, picture.length > 2 ? icon(picture) : picture));
  }

  #renderSteps(state, steps, session) {
    const all = session.isSilent && states[state].open ? ['hear', ...steps] : steps;
    const key = [state, ...all].join();
    if (this.steps.dataset.key === key) return;
    this.steps.dataset.key = key;
    this.steps.className = state === 'idle' ? 'choices' : 'steps';
    this.steps.hidden = !all.length;
    this.steps.replaceChildren(...all.map((step, place) => state === 'idle' ? this.#panel.choice(step) : this.#panel.step(step, place)));
  }

  /** Levels follow the sound as long as there is a line. */
  #measure() {
    cancelAnimationFrame(this.#frame);
    const calm = matchMedia('(prefers-reduced-motion: reduce)');
    let shownAt = 0;
    const draw = (now) => {
      const line = this.#line;
      if (!line || line.isClosed) return this.picture.style.removeProperty('--level');
      this.#frame = requestAnimationFrame(draw);
      if (now - shownAt < (calm.matches ? 250 : 40)) return;
      shownAt = now;
      const near = line.isMuted ? 0 : line.level('near');
      if (near > 0.05) this.#heardAt ??= now;
      show(this.near, near);
      show(this.far, line.level('far'));
      this.picture.style.setProperty('--level', String(calm.matches ? 0 : line.level('far') ?? 0));
    };
    this.#frame = requestAnimationFrame(draw);
  }
}

function meter(name, label) {
  const scale = make('div', { role: 'meter', 'aria-label': label, 'aria-valuemin': '0', 'aria-valuemax': '100', 'aria-valuenow': '0' }, make('i'));
  return make('div', { className: 'meter', title: label }, icon(name), scale);
}

function show(meter, level) {
  meter.hidden = level === undefined;
  const [scale] = meter.querySelectorAll('[role=meter]');
  scale.style.setProperty('--level', String(level ?? 0));
  const value = String(Math.round((level ?? 0) * 10) * 10);
  if (scale.getAttribute('aria-valuenow') !== value) scale.setAttribute('aria-valuenow', value);
}

function control(name, label, onclick, kind = '') {
  return make('button', { type: 'button', className: `control ${kind}`, onclick }, make('span', { className: 'disc' }, icon(name)), make('span', {}, label));
}

function set(control, isPressed, name, label) {
  const [disc, words] = control.children;
  if (isPressed !== undefined) control.setAttribute('aria-pressed', String(Boolean(isPressed)));
  if (disc.dataset.name !== name) {
    disc.dataset.name = name;
    disc.replaceChildren(icon(name));
  }
  say(words, label);
}
