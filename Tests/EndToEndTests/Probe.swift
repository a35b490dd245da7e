import Foundation
import TestBrowser
import Testing

/// What a test hangs into a page before its own scripts run: a microphone that plays a tone, an ear that finds tones by
/// their frequency, and notes of when what was first seen.
extension Browser: Visitor {
  /// - Parameter tone: Hz of what the microphone plays; nil leaves the browser's own, which beeps.
  func probe(playing tone: Int?) async throws {
    try await prepare(
      """
      (() => {
        const patience = 4; // milliseconds between two looks
        const tones = \(Tone.all);
        const makeEar = (context, fftSize) => new AnalyserNode(context, { fftSize, smoothingTimeConstant: 0 });
        const level = (ear, hertz) => {
          const bins = new Float32Array(ear.frequencyBinCount);
          ear.getFloatFrequencyData(bins);
          return bins[Math.round(hertz * ear.fftSize / ear.context.sampleRate)];
        };
        const context = new AudioContext();
        // The longer ear is the sharper one, the shorter one the faster.
        let [sharp, fast] = [makeEar(context, 16384), makeEar(context, 1024)];
        const listen = navigator.userAgent.includes('Firefox') ? listenLater : listenNow;
        function listenNow(track) {
          const source = context.createMediaStreamSource(new MediaStream([track]));
          source.connect(sharp);
          source.connect(fast);
        }
        // On a machine without a sound card Firefox keeps an AudioContext suspended. It records there, and may analyse
        // what it has recorded: a second at a time.
        function listenLater(track) {
          const recorder = new MediaRecorder(new MediaStream([track]));
          recorder.ondataavailable = async ({ data }) => {
            recorder.start();
            const sound = await context.decodeAudioData(await data.arrayBuffer());
            const offline = new OfflineAudioContext(1, sound.length, sound.sampleRate);
            const [source, ear] = [new AudioBufferSourceNode(offline, { buffer: sound }), makeEar(offline, 16384)];
            source.connect(ear).connect(offline.destination);
            source.start();
            await offline.startRendering();
            sharp = ear;
          };
          recorder.start();
          setInterval(() => recorder.stop(), 1000);
        }
        const hears = (ear, hertz, margin) => level(ear, hertz) > -50
          && tones.every((other) => other === hertz || level(ear, hertz) > level(ear, other) + margin);

        const probe = window.probe = {
          peers: [],
          /** When what was first seen, in milliseconds. */
          at: {},
          note(what) { this.at[what] ??= performance.now(); },
          get peer() { return this.peers.at(-1); },
          /** Whether a tone of at least -50 dB is heard, and no other tone within 26 dB of it. */
          hears: (hertz) => hears(sharp, hertz, 26),
          levels: () => tones.map((hertz) => `${hertz} Hz: ${Math.round(level(sharp, hertz))} dB`).join(', '),
          get root() { return document.querySelector('switchboard-call')?.shadowRoot ?? document.body; },
          get text() { return [...this.root.children].map((child) => child.innerText ?? '').join(' '); },
          button(name) {
            return [...this.root.querySelectorAll('button')].find((button) => button.getClientRects().length && button.innerText.includes(name));
          },
          get ufrag() { return /^a=ice-ufrag:(\\S+)/m.exec(this.peer.currentRemoteDescription.sdp)[1]; },
          /** As when the network changes: no pair works any more, until ICE is restarted. */
          breakOff() {
            Object.defineProperty(this.peer, 'connectionState', { value: 'failed', configurable: true });
            this.peer.dispatchEvent(new Event('connectionstatechange'));
          },
          async stats() {
            const [reports, seen] = [[...(await this.peer.getStats()).values()], {}];
            const codec = (report) => reports.find(({ id }) => id === report.codecId)?.mimeType;
            for (const report of reports) {
              if (report.type === 'inbound-rtp') seen.received = { packets: report.packetsReceived, energy: report.totalAudioEnergy, codec: codec(report) };
              if (report.type === 'outbound-rtp') seen.sent = { packets: report.packetsSent, codec: codec(report) };
            }
            return seen;
          },
        };

        if (\(tone ?? 0)) navigator.mediaDevices.getUserMedia = async () => {
          const [tone, out] = [new OscillatorNode(context, { frequency: \(tone ?? 0) }), context.createMediaStreamDestination()];
          tone.connect(new GainNode(context, { gain: 0.3 })).connect(out);
          tone.start();
          return out.stream;
        };

        const Real = RTCPeerConnection;
        window.RTCPeerConnection = class extends Real {
          constructor(...values) {
            super(...values);
            probe.peers.push(this);
            this.addEventListener('track', ({ track }) => listen(track));
          }
          async setRemoteDescription(description) {
            await super.setRemoteDescription(description);
            delete this.connectionState;
            probe.note('answer');
          }
        };
        setInterval(() => {
          for (const hertz of tones) if (!probe.at[hertz] && hears(fast, hertz, 6)) probe.note(hertz);
        }, patience);
      })();
      """)
  }

  /// Waits until a tone is heard, and no other.
  func hears(_ hertz: Int, within seconds: Double = 10) async -> Bool {
    await waits(for: "return probe.hears(\(hertz))", within: seconds)
  }

  /// Waits until the page says this.
  func says(_ text: String, within seconds: Double = 10) async -> Bool {
    await waits(for: "return probe.text.includes('\(text)')", within: seconds)
  }

  /// Presses a button of the widget or of the page, as soon as there is one of this name.
  func press(_ name: String) async throws {
    let pressed = await waits(for: "const button = probe.button('\(name)'); button?.click(); return !!button")
    try #require(pressed, "there is no button \(name): \(seen)")
  }

  /// Notes that something happens now.
  func note(_ what: String) async throws { try await run("probe.note('\(what)')") }

  /// Milliseconds between two notes; a tone that is heard first is noted by its frequency.
  func milliseconds(from first: String, to second: String) async throws -> Int {
    let span = try await run("return probe.at['\(second)'] - probe.at['\(first)']") as? Double
    return Int(try #require(span, "\(first) or \(second) was not seen"))
  }

  /// The codec in both directions.
  func codec() async throws -> String {
    let codecs = try await run("const { sent, received } = await probe.stats(); return [sent.codec, received.codec]")
    return try #require((codecs as? [String]).map { Set($0).sorted().joined(separator: " and ") })
  }
}
