// The sounds of the agent's phone, made by WebAudio: no file is loaded. They play on a device of their own choice.

export class Ringer {
  #context; #out; #timer;
  audio = new Audio();

  /** Only after a press, or while the microphone is open: otherwise the browser keeps it silent. */
  #begin() {
    if (!this.#context) {
      this.#context = new AudioContext();
      this.#out = this.#context.createMediaStreamDestination();
      this.audio.srcObject = this.#out.stream;
    }
    this.#context.resume();
    this.audio.play().catch(() => {});
  }

  #note(frequency, start, seconds, volume) {
    const at = this.#context.currentTime + start;
    const [oscillator, gain] = [new OscillatorNode(this.#context, { frequency, type: 'triangle' }), new GainNode(this.#context, { gain: 0 })];
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(volume, at + 0.012);
    gain.gain.exponentialRampToValueAtTime(0.001, at + seconds);
    oscillator.connect(gain).connect(this.#out);
    oscillator.start(at);
    oscillator.stop(at + seconds);
  }

  /** Two notes, twice. */
  chime() {
    this.#begin();
    for (const start of [0, 0.55]) {
      this.#note(659.3, start, 0.32, 0.5);
      this.#note(880, start + 0.16, 0.38, 0.5);
    }
  }

  get isRinging() { return this.#timer !== undefined; }

  start() {
    if (this.isRinging) return;
    this.chime();
    this.#timer = setInterval(() => this.chime(), 2_400);
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
