import Foundation
import Testing

extension EndToEnd {
  /// Two baresip phones, one calling and one registered as an agent's, each playing a tone of its own.
  @Suite("Two phones", .enabled(if: Peers.have("baresip")))
  struct PhoneTests {
    @Test("Caller and agent each hear the other's tone")
    func tones() async throws {
      let ports = RunningSite.Ports.forTest(4)
      let site = try await RunningSite(
        ports,
        yaml: """
          federation: { mode: closed, trusted_sources: [127.0.0.1/32] }
          entries:
            "sip:support@127.0.0.1": { queue: support }
          queues:
            support: { channels: [voice], ring: 20s, wrap_up: { default: 1s } }
          agents:
            amina: { name: Amina Berg, phone: "sip:2001@127.0.0.1", password_file: amina.phone, digest: [md5],
                     queues: [support], token_file: amina.token }
            ben: { name: Ben Cole, phone: "sip:2002@127.0.0.1", password_file: ben.phone, queues: [support] }

          """,
        files: [
          "amina.phone": "phone-password-of-amina", "amina.token": "the-token-of-amina-berg",
          "ben.phone": "phone-password-of-ben",
        ])
      let agent = try Baresip(
        in: site.folder.appending(path: "agent"), user: "2001", password: "phone-password-of-amina",
        port: ports.sip + 20,
        registrar: "127.0.0.1:\(ports.sip)", rtp: ports.sip + 40, hertz: 880)
      let registered = await eventually(within: 10) { await site.metric("switchboard_sip_registrations") == 1 }
      #expect(registered, "the phone did not register:\n\(agent.peer.text)\n\(site.server.text)")
      let signedIn = try await site.call("POST", "/v1/agents/me/sign-in", token: "the-token-of-amina-berg")
      #expect(signedIn.json["state"] as? String == "ready", "\(signedIn.text)")

      let caller = try Baresip(
        in: site.folder.appending(path: "caller"), user: "visitor", password: "none", port: ports.sip + 30,
        registrar: nil, rtp: ports.sip + 60, hertz: 440)
      #expect(await caller.peer.says("baresip is ready", within: 10))
      try await caller.command("dial", "sip:support@127.0.0.1:\(ports.sip)")
      let answered = await eventually(within: 15) { await site.metric("switchboard_contacts_answered_total") == 1 }
      #expect(answered, "the call was not bridged:\n\(site.server.text)\n\(caller.peer.text)")
      try await Task.sleep(for: .seconds(4))
      try await caller.command("hangup", "")
      let ended = await eventually(within: 10) { await site.metric("switchboard_sip_dialogs") == 0 }
      #expect(ended)
      await caller.peer.stop()
      await agent.peer.stop()

      let heardByAgent = try agent.heard()
      let heardByCaller = try caller.heard()
      #expect(heardByAgent.level(of: 440) > 20 * heardByAgent.level(of: 880), "the agent did not hear 440 Hz")
      #expect(heardByCaller.level(of: 880) > 20 * heardByCaller.level(of: 440), "the caller did not hear 880 Hz")
      await site.stop()
    }

    @Test("The demo's echo phone sends the caller's own tone back")
    func echo() async throws {
      let ports = RunningSite.Ports.forTest(9)
      let site = try await RunningSite(
        ports,
        yaml: """
          federation: { mode: closed, trusted_sources: [127.0.0.1/32] }
          entries:
            "sip:support@127.0.0.1": { queue: support }
          queues:
            support: { channels: [voice], wrap_up: { default: 0s } }
          agents:
            amina: { name: Amina Berg, phone: demo, phone_answer: phone, queues: [support], token_file: amina.token }

          """,
        files: ["amina.token": "the-token-of-amina-berg"])
      try await site.call("POST", "/v1/agents/me/sign-in", token: "the-token-of-amina-berg")
      let caller = try Baresip(
        in: site.folder.appending(path: "caller"), user: "visitor", password: "none", port: ports.sip + 30,
        registrar: nil, rtp: ports.sip + 60, hertz: 440)
      #expect(await caller.peer.says("baresip is ready"))
      try await caller.command("dial", "sip:support@127.0.0.1:\(ports.sip)")
      let answered = await eventually(within: 15) { await site.metric("switchboard_contacts_answered_total") == 1 }
      #expect(answered, "\(site.server.text)\n\(caller.peer.text)")
      try await Task.sleep(for: .seconds(4))
      try await caller.command("hangup", "")
      #expect(await eventually(within: 10) { await site.metric("switchboard_media_ports") == 0 })
      await caller.peer.stop()
      let heard = try caller.heard()
      #expect(heard.level(of: 440) > 20 * heard.level(of: 880), "the caller did not hear 440 Hz")
      #expect(heard.level(of: 440) > 500, "the echo is too quiet")
      await site.stop()
    }
  }
}

/// A headless baresip that answers by itself, plays a tone and records what it hears.
struct Baresip {
  let peer: Peer
  private let folder: URL
  private let controlPort: Int

  /// - Parameter encryption: of media, as baresip names it: `srtp-mand` insists on keys in SDP.
  init(
    in folder: URL, user: String, password: String, port: Int, registrar: String?, rtp: Int, hertz: Double,
    transport: String = "udp", authority: String? = nil, encryption: String? = nil
  ) throws {
    self.folder = folder
    controlPort = port + 5
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let source = folder.appending(path: "tone.wav")
    try Recording.tone(hertz: hertz, seconds: 60).write(to: source)
    let modules =
      ["/usr/lib/baresip/modules", "/usr/lib/x86_64-linux-gnu/baresip/modules"]
      .first { FileManager.default.fileExists(atPath: $0) } ?? "/usr/lib/baresip/modules"
    var config = """
      poll_method epoll
      sip_listen 127.0.0.1:\(port)
      call_local_timeout 120
      call_max_calls 4
      audio_player aubridge,sink
      audio_source aufile,\(source.path)
      audio_alert aubridge,sink
      ausrc_srate 8000
      auplay_srate 8000
      ausrc_channels 1
      auplay_channels 1
      audio_level no
      audio_buffer 20-160
      rtp_ports \(rtp)-\(rtp + 18)
      rtcp_mux no
      rtp_timeout 60
      net_interface 127.0.0.1
      module_path \(modules)
      module g711.so
      module aufile.so
      module aubridge.so
      module sndfile.so
      snd_path \(folder.path)
      module_app menu.so
      module_app account.so
      module_app ctrl_tcp.so
      ctrl_tcp_listen 127.0.0.1:\(controlPort)

      """
    if let authority {
      let file = folder.appending(path: "authority.pem")
      try authority.write(to: file, atomically: true, encoding: .utf8)
      config += "sip_cafile \(file.path)\n"
    }
    if encryption != nil { config += "module srtp.so\n" }
    try config.write(to: folder.appending(path: "config"), atomically: true, encoding: .utf8)
    let account =
      "<sip:\(user)@\(registrar ?? "127.0.0.1:\(port)");transport=\(transport)>;auth_user=\(user);auth_pass=\(password)"
      + ";regint=\(registrar == nil ? 0 : 300);answermode=auto;audio_codecs=PCMU/8000/1\(encryption.map { ";mediaenc=" + $0 } ?? "")\n"
    try account.write(to: folder.appending(path: "accounts"), atomically: true, encoding: .utf8)
    try "".write(to: folder.appending(path: "contacts"), atomically: true, encoding: .utf8)
    peer = try Peer(try #require(find("baresip")), ["-f", folder.path], in: folder)
  }

  /// Sends a command as a netstring of JSON to the control port.
  func command(_ name: String, _ parameters: String) async throws {
    let json = #"{"command":"\#(name)","params":"\#(parameters)","token":"t"}"#
    let message = "\(json.utf8.count):\(json),"
    let sent = await eventually(within: 5) { (try? send(message, toPort: controlPort)) != nil }
    try #require(sent, "baresip does not take commands:\n\(peer.text)")
  }

  /// The recording of what the far end sent.
  func heard() throws -> Recording {
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix("-dec.wav") }
    let file = try #require(files.sorted().last, "nothing was recorded")
    return try Recording(wave: try Data(contentsOf: folder.appending(path: file)))
  }
}

/// Sends text over a new TCP connection to a loopback port.
private func send(_ text: String, toPort port: Int) throws {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  guard descriptor >= 0 else { throw POSIXError(.EBADF) }
  defer { close(descriptor) }
  guard withLoopback(port, { connect(descriptor, $0, $1) }) == 0 else { throw POSIXError(.ECONNREFUSED) }
  _ = Array(text.utf8).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
  // The command is carried out only if the connection stays up for its answer.
  var answer = [UInt8](repeating: 0, count: 256)
  _ = read(descriptor, &answer, answer.count)
}

/// Mono sound at 16 bits.
struct Recording {
  var samples: [Double]
  var rate: Double

  /// Reads a WAV file of 16-bit PCM; several channels are averaged.
  init(wave: Data) throws {
    let bytes = [UInt8](wave)
    func number(_ at: Int, _ width: Int) -> Int {
      (0..<width).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
    }
    try #require(bytes.count > 44)
    let channels = max(1, number(22, 2))
    rate = Double(number(24, 4))
    samples = stride(from: 44, to: bytes.count - 2 * channels, by: 2 * channels).map { frame in
      (0..<channels).reduce(0.0) { $0 + Double(Int16(truncatingIfNeeded: number(frame + 2 * $1, 2))) }
        / Double(channels)
    }
  }

  /// Amplitude at a frequency, by Goertzel's algorithm, over the last two seconds.
  func level(of hertz: Double) -> Double {
    let window = samples.suffix(Int(2 * rate))
    let coefficient = 2 * cos(2 * .pi * hertz / rate)
    var (a, b) = (0.0, 0.0)
    for sample in window { (a, b) = (sample + coefficient * a - b, a) }
    return max(0, a * a + b * b - coefficient * a * b).squareRoot() / Double(max(1, window.count))
  }

  static func tone(hertz: Double, seconds: Int) -> Data {
    let rate = 8_000
    var data = Data()
    func append(_ value: Int, _ width: Int) { for i in 0..<width { data.append(UInt8(value >> (8 * i) & 255)) } }
    let size = 2 * rate * seconds
    data.append(contentsOf: "RIFF".utf8)
    append(36 + size, 4)
    data.append(contentsOf: "WAVEfmt ".utf8)
    append(16, 4)
    append(1, 2)
    append(1, 2)
    append(rate, 4)
    append(2 * rate, 4)
    append(2, 2)
    append(16, 2)
    data.append(contentsOf: "data".utf8)
    append(size, 4)
    for index in 0..<rate * seconds {
      append(Int(9_000 * sin(2 * .pi * hertz * Double(index) / Double(rate))) & 0xffff, 2)
    }
    return data
  }
}
