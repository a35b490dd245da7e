import CSRTP
import Glibc
import Media
import Primitives

/// The media edge: protection of packets beside libsrtp2, answers to checks, and handshakes beside a C program.
func benchmarkMediaEdge() {
  var rows: [Measurement] = []
  for profile in [SRTPProfile.aeadAES128GCM, .aes128CM80] {
    let key = masterKey(profile)
    rows.append(protect(profile, key))
    rows.append(unprotect(profile, key))
    rows += reference(profile, key)
  }
  rows.append(answerChecks())
  let handshake = handshakes()
  rows.append(handshake)
  Harness.report(rows)
  compareHandshakes(handshake)
}

private let packets = 20_000
private let hasReference = srtp_init() == srtp_err_status_ok
private let payload = 160

private func masterKey(_ profile: SRTPProfile) -> SRTPMasterKey {
  // The lengths are the profile's own.
  SRTPMasterKey(
    profile, key: Array(repeating: 3, count: profile.keyLength), salt: Array(repeating: 4, count: profile.saltLength))!
}

/// G.711 packets in a row with their sequence numbers, and room for what protection adds.
private final class Stream {
  static let size = RTPHeader.size + payload
  static let room = size + 64
  let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: packets * room, alignment: 16)
  deinit { bytes.deallocate() }

  func fill() {
    for number in 0..<packets {
      RTPHeader(
        payloadType: 0, sequence: UInt16(truncatingIfNeeded: number), timestamp: UInt32(number * payload), ssrc: 7
      ).write(to: packet(number))
    }
  }

  func packet(_ number: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: bytes[number * Self.room..<(number + 1) * Self.room])
  }
}

private func protect(_ profile: SRTPProfile, _ key: SRTPMasterKey) -> Measurement {
  let stream = Stream()
  return Harness.measure("protect \(profile)", operations: packets) {
    stream.fill()
    var sender = SRTPSender(key)
    for number in 0..<packets {
      guard (try? sender.protect(stream.packet(number), count: Stream.size)) != nil else { return print("refused") }
    }
  }
}

private func unprotect(_ profile: SRTPProfile, _ key: SRTPMasterKey) -> Measurement {
  let stream = Stream()
  let protected = Stream()
  stream.fill()
  var sender = SRTPSender(key)
  let size = Stream.size + profile.tagLength
  for number in 0..<packets { _ = try? sender.protect(stream.packet(number), count: Stream.size) }
  return Harness.measure("unprotect \(profile)", operations: packets) {
    protected.bytes.copyMemory(from: UnsafeRawBufferPointer(stream.bytes))
    var receiver = SRTPReceiver(key)
    for number in 0..<packets {
      let packet = UnsafeMutableRawBufferPointer(rebasing: protected.packet(number)[..<size])
      guard (try? receiver.unprotect(packet)) == Stream.size else { return print("refused") }
    }
  }
}

/// The same by libsrtp2.
private func reference(_ profile: SRTPProfile, _ key: SRTPMasterKey) -> [Measurement] {
  guard hasReference else { return [] }
  func session(_ type: srtp_ssrc_type_t) -> srtp_t? {
    var policy = srtp_policy_t()
    if profile == .aeadAES128GCM {
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp)
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp)
    } else {
      srtp_crypto_policy_set_rtp_default(&policy.rtp)
      srtp_crypto_policy_set_rtcp_default(&policy.rtcp)
    }
    policy.ssrc.type = type
    policy.window_size = 128
    var session: srtp_t?
    var bytes = key.key + key.salt
    bytes.withUnsafeMutableBufferPointer {
      policy.key = $0.baseAddress
      srtp_create(&session, &policy)
    }
    return session
  }
  let stream = Stream()
  let protect = Harness.measure("protect \(profile), libsrtp2", operations: packets) {
    stream.fill()
    let sender = session(ssrc_any_outbound)
    for number in 0..<packets {
      var length = Int32(Stream.size)
      guard srtp_protect(sender, stream.packet(number).baseAddress, &length) == srtp_err_status_ok else {
        return print("refused")
      }
    }
    srtp_dealloc(sender)
  }
  let protected = Stream()
  let unprotect = Harness.measure("unprotect \(profile), libsrtp2", operations: packets) {
    protected.bytes.copyMemory(from: UnsafeRawBufferPointer(stream.bytes))
    let receiver = session(ssrc_any_inbound)
    for number in 0..<packets {
      var length = Int32(Stream.size + profile.tagLength)
      guard srtp_unprotect(receiver, protected.packet(number).baseAddress, &length) == srtp_err_status_ok else {
        return print("refused")
      }
    }
    srtp_dealloc(receiver)
  }
  return [protect, unprotect]
}

private func answerChecks() -> Measurement {
  let credentials = ShortTermCredentials(random: Array(1...24))
  var writer = STUNWriter(.request, STUNMessage.Transaction(high: 1, low: 2))
  writer.username(credentials.ufrag + Array(":browser".utf8))
  writer.priority(1)
  writer.role(.controlling(1))
  writer.sign(credentials.password)
  let check = writer.finish()
  let source = NetworkAddress(ipv4: 0x7f00_0001, port: 40_000)
  return Harness.measure("check answered", operations: 50_000) {
    var ice = ICELite(credentials: credentials, at: Instant(microseconds: 0))
    check.withUnsafeBytes { check in
      for _ in 0..<50_000 {
        guard let message = STUNMessage(check),
          ice.receive(message, in: check, from: source, at: Instant(microseconds: 0)) != nil
        else { return print("refused") }
      }
    }
  }
}

/// Handshakes with both certificates; what the server's side of them cost.
private func handshakes() -> Measurement {
  let count = 300
  guard let ours = try? DTLSCertificate(), let theirs = try? DTLSCertificate() else {
    return Measurement(name: "no DTLS", operations: 1, seconds: 0)
  }
  let now = Instant(microseconds: 0)
  var seconds = Double.infinity
  for _ in 0..<3 {
    var run = 0.0
    for _ in 0..<count {
      guard
        var client = try? DTLSSession(
          .client, theirs, expecting: [CertificateFingerprint(.sha256, ours.fingerprint)])
      else { break }
      client.start(at: now)
      let start = Harness.cpuSeconds()
      guard
        var server = try? DTLSSession(
          .server, ours, expecting: [CertificateFingerprint(.sha256, theirs.fingerprint)])
      else { break }
      run += Harness.cpuSeconds() - start
      while client.state == .handshaking || server.state == .handshaking {
        let flight = client.takeOutgoing()
        let start = Harness.cpuSeconds()
        for datagram in flight { datagram.withUnsafeBytes { server.receive($0, at: now) } }
        let answer = server.takeOutgoing()
        run += Harness.cpuSeconds() - start
        if flight.isEmpty, answer.isEmpty { return Measurement(name: "handshake stuck", operations: 1, seconds: 0) }
        for datagram in answer { datagram.withUnsafeBytes { client.receive($0, at: now) } }
      }
    }
    seconds = min(seconds, run)
  }
  return Measurement(name: "DTLS handshake, our side", operations: count, seconds: seconds)
}

/// Builds and runs `tls_bench.c` of the folder that SWITCHBOARD_C names, and prints the ratio.
private func compareHandshakes(_ ours: Measurement) {
  guard let folder = getenv("SWITCHBOARD_C").map({ String(cString: $0) }) else { return }
  let command =
    "cc -O2 -w '\(folder)/tls_bench.c' -lssl -lcrypto -o /tmp/switchboard-tls-bench && /tmp/switchboard-tls-bench 300"
  guard let pipe = popen(command, "r") else { return }
  defer { pclose(pipe) }
  var line = [CChar](repeating: 0, count: 512)
  var best = Double.infinity
  while fgets(&line, Int32(line.count), pipe) != nil {
    let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard text.hasPrefix("DTLS1.2 ECDSA-P256 mutual (X25519)"),
      let match = text.firstMatch(of: /server \d+\/s \((\d+) us\)/), let microseconds = Double(match.1)
    else { continue }
    best = min(best, microseconds)
  }
  guard best.isFinite else { return print("\(folder)/tls_bench.c could not be run") }
  let ratio = (ours.nanoseconds / 1_000 / best * 100).rounded() / 100
  print("handshake, our side: \(Int(ours.nanoseconds / 1_000)) us; in C \(Int(best)) us; ratio \(ratio), bar 1.2")
}
