import Foundation
import Testing

/// A headless baresip that answers by itself, plays a tone and records what it hears.
struct Baresip {
  let peer: Peer
  private let folder: URL
  private let controlPort: Int

  /// - Parameters:
  ///   - address: where it is.
  ///   - encryption: of media, as baresip names it: `srtp-mand` insists on keys in SDP, `dtls_srtp` on DTLS.
  init(
    in folder: URL, user: String, password: String, port: Int, registrar: String?, rtp: Int, hertz: Int,
    codec: String = "PCMU/8000/1", transport: String = "udp", authority: String? = nil, address: String = "127.0.0.1",
    encryption: String? = nil, isICE: Bool = false
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
      sip_listen \(address):\(port)
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
      rtcp_mux \(isICE ? "yes" : "no")
      rtp_timeout 60
      net_interface \(address)
      module_path \(modules)
      module g711.so
      module opus.so
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
    if encryption != nil { config += "module srtp.so\nmodule dtls_srtp.so\n" }
    if isICE { config += "module ice.so\n" }
    try config.write(to: folder.appending(path: "config"), atomically: true, encoding: .utf8)
    let account =
      "<sip:\(user)@\(registrar ?? "\(address):\(port)");transport=\(transport)>;auth_user=\(user);auth_pass=\(password)"
      + ";regint=\(registrar == nil ? 0 : 300);answermode=auto;audio_codecs=\(codec)"
      + (encryption.map { ";mediaenc=" + $0 } ?? "") + (isICE ? ";medianat=ice\n" : "\n")
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

  /// Waits until a tone is heard, and no other.
  func hears(_ hertz: Int, within seconds: Double = 10) async -> Bool {
    await eventually(within: seconds) { heard?.holds(hertz) == true }
  }

  /// The recording of what the far end has sent until now.
  private var heard: Recording? {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    let last = files.filter { $0.hasSuffix("-dec.wav") }.sorted().last
    return last.flatMap { try? Data(contentsOf: folder.appending(path: $0)) }.flatMap { Recording(wave: $0) }
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
