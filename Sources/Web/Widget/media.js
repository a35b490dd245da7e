// Sound between this browser and the server: microphone, peer connection, levels, digits, and the way back when the
// connection breaks. The visitor's widget and the agent's phone page both use it.

/** Which state stands for an error of getUserMedia. */
export function obstacle(error) {
  switch (error?.name) {
    case 'NotAllowedError': case 'SecurityError': return 'denied';
    case 'NotFoundError': case 'OverconstrainedError': return 'missing';
    case 'InvalidStateError': case 'TypeError': case 'NotSupportedError': return 'unsupported';
    default: return 'busy';
  }
}

/** Why there can be no call at all, or undefined. */
export function hindrance() {
  if (!isSecureContext) return 'insecure';
  if (!navigator.mediaDevices?.getUserMedia || !window.RTCPeerConnection) return 'unsupported';
}

export function microphone(deviceId) {
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  if (deviceId) audio.deviceId = { exact: deviceId };
  return navigator.mediaDevices.getUserMedia({ audio });
}

/** Whether the browser gives the microphone without asking. */
export async function mayListen() {
  try { return (await navigator.permissions.query({ name: 'microphone' })).state === 'granted'; } catch { return false; }
}

const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

/** How long each way back may take, and all of them together, in milliseconds. */
export const patience = { connect: 10_000, blink: 1_500, restart: 4_000, all: 120_000 };

export class Line {
  #on; #pc; #stream; #offered; #context; #meters = {}; #isClosed = false; #isRecovering = false; #isMuted = false; #wasUp = false; #watch;

  /**
   * `on` has `media(event)` with connected, lost or failed; `microphone(isThere)` when the device goes or comes back;
   * `blocked(isBlocked)` where the browser plays nothing without a press.
   * `signal` has `offer(sdp)` and `restart(fragment)`, which promise what the server answers, and `isOver(error)`.
   */
  constructor(on, signal) {
    this.#on = on;
    this.signal = signal;
    this.audio = new Audio();
    this.audio.autoplay = true;
    // The offer needs no microphone, so it is ready when the visitor has allowed it.
    this.#offered = this.#connect();
    this.#offered.catch(() => {}); // whoever awaits it hears of it
  }

  get isClosed() { return this.#isClosed; }
  get isMuted() { return this.#isMuted; }
  get canSendDigits() { return Boolean(this.#sender?.dtmf?.canInsertDTMF); }
  get #sender() { return this.#pc.getTransceivers()[0]?.sender; }

  // MARK: Sound in and out

  /** Takes the microphone; what getUserMedia throws passes through. */
  async listen(deviceId) {
    const stream = await microphone(deviceId);
    if (this.#isClosed) return stop(stream);
    stop(this.#stream);
    this.#stream = stream;
    const [track] = stream.getAudioTracks();
    track.enabled = !this.#isMuted;
    track.onended = () => this.#replace();
    await this.#offered;
    await this.#sender.replaceTrack(track);
    this.#meter('near', stream);
    this.#on.microphone?.(true);
  }

  /** The device was pulled out: another one may do. */
  async #replace() {
    if (this.#isClosed) return;
    this.#on.microphone?.(false);
    try { await this.listen(); } catch { navigator.mediaDevices.addEventListener('devicechange', () => this.#replace(), { once: true }); }
  }

  mute(isMuted) {
    this.#isMuted = isMuted;
    for (const track of this.#stream?.getAudioTracks() ?? []) track.enabled = !isMuted;
  }

  /** Sends telephone-events (RFC 4733). */
  press(digit) { this.#sender?.dtmf?.insertDTMF(digit, 160, 70); }

  /** After a press: sound may play now. */
  async play() {
    this.#context?.resume();
    try {
      await this.audio.play();
      this.#on.blocked?.(false);
    } catch (error) {
      if (error.name === 'NotAllowedError') this.#on.blocked?.(true);
    }
  }

  #meter(side, stream) {
    try {
      this.#context ??= new AudioContext();
      this.#meters[side]?.source.disconnect();
      const source = this.#context.createMediaStreamSource(stream);
      const analyser = new AnalyserNode(this.#context, { fftSize: 512 });
      source.connect(analyser);
      this.#meters[side] = { source, analyser, samples: new Float32Array(analyser.fftSize) };
    } catch { /* a call without meters is a call */ }
  }

  /** How loud a side is now, from 0 (below -60 dB) to 1; undefined where it cannot be measured. */
  level(side) {
    const meter = this.#meters[side];
    if (!meter || this.#context.state !== 'running') return undefined;
    meter.analyser.getFloatTimeDomainData(meter.samples);
    const power = meter.samples.reduce((sum, sample) => sum + sample * sample, 0) / meter.samples.length;
    return Math.min(1, Math.max(0, 1 + Math.log10(power + 1e-9) / 6));
  }

  // MARK: The connection

  /** Makes a peer connection and its offer. The server is ICE-lite: it needs no candidates of ours. */
  async #connect() {
    this.#pc?.close();
    const pc = this.#pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' });
    pc.addTransceiver(this.#stream?.getAudioTracks()[0] ?? 'audio', { direction: 'sendrecv' });
    pc.ontrack = ({ track }) => {
      const stream = new MediaStream([track]);
      this.audio.srcObject = stream;
      this.#meter('far', stream);
      this.play();
    };
    pc.onconnectionstatechange = () => { if (pc === this.#pc) this.#changed(pc.connectionState); };
    await pc.setLocalDescription();
    return pc.localDescription.sdp;
  }

  /** Sends the offer and takes the answer; what the server refuses passes through. */
  async open() {
    const answer = await this.signal.offer(await this.#offered);
    if (this.#isClosed) return;
    await this.#pc.setRemoteDescription({ type: 'answer', sdp: answer });
    this.#watch = setTimeout(() => {
      if (this.#pc.connectionState !== 'connected') this.#on.media('failed');
    }, patience.connect);
  }

  #changed(state) {
    if (this.#isClosed) return;
    if (state === 'connected') {
      clearTimeout(this.#watch);
      this.#wasUp = true;
      this.#on.media('connected');
    } else if ((state === 'disconnected' || state === 'failed') && this.#wasUp) this.#recover(state === 'failed');
  }

  /** Another network, or the same one again: ICE anew; where that does not help, a new connection in the same place. */
  async #recover(isCertain) {
    if (this.#isRecovering) return;
    this.#isRecovering = true;
    const start = Date.now();
    if (!isCertain) await this.#connects(patience.blink);
    if (!this.#isUp && !this.#isClosed) this.#on.media('lost');
    for (let attempt = 0; !this.#isUp && !this.#isClosed; attempt += 1) {
      if (Date.now() - start > patience.all) {
        this.#on.media('failed');
        break;
      }
      try {
        if (attempt % 2) await this.#reconnect();
        else await this.#restart();
        await this.#connects(patience.restart);
      } catch (error) {
        if (this.signal.isOver(error)) break;
        await pause(1_000);
      }
    }
    this.#isRecovering = false;
  }

  get #isUp() { return this.#pc.connectionState === 'connected'; }

  async #connects(milliseconds) {
    for (const end = Date.now() + milliseconds; Date.now() < end && !this.#isUp && !this.#isClosed;) await pause(50);
  }

  /** ICE restart by fragments (RFC 9725 4.3.3): the keys stay, so no word is lost but those of the moment. */
  async #restart() {
    const pc = this.#pc;
    await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
    const fragment = await this.signal.restart(iceFragment(pc.localDescription.sdp));
    const [ufrag, password] = ['ufrag', 'pwd'].map((name) => fragment?.match(new RegExp(`^a=ice-${name}:(\\S+)`, 'm'))?.[1]);
    if (!ufrag || !password) throw new Error('no credentials');
    const answer = pc.currentRemoteDescription.sdp.replace(/^a=ice-ufrag:.*$/gm, 'a=ice-ufrag:' + ufrag)
      .replace(/^a=ice-pwd:.*$/gm, 'a=ice-pwd:' + password);
    await pc.setRemoteDescription({ type: 'answer', sdp: answer });
  }

  async #reconnect() {
    const answer = await this.signal.offer(await this.#connect());
    if (!this.#isClosed) await this.#pc.setRemoteDescription({ type: 'answer', sdp: answer });
  }

  /** Silent at once. The connection may wait until the server was told why: one that ends before that seems lost to it. */
  close(told) {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#watch);
    stop(this.#stream);
    this.audio.srcObject = null;
    this.#context?.close();
    if (told) told.finally(() => this.#pc.close());
    else this.#pc.close();
  }
}

function stop(stream) {
  for (const track of stream?.getTracks() ?? []) {
    track.onended = null;
    track.stop();
  }
}

/** What an offer says about ICE, as application/trickle-ice-sdpfrag (RFC 8840). */
function iceFragment(sdp) {
  const line = (start) => sdp.split('\r\n').find((line) => line.startsWith(start));
  return ['a=ice-options:trickle', 'a=group:BUNDLE', 'm=', 'a=mid:', 'a=ice-ufrag:', 'a=ice-pwd:'].map(line).filter(Boolean)
    .join('\r\n') + '\r\n';
}
