import Foundation

/// Judges an answer against its offer as text, without the module under test: what RFC 3264, 8829, 9143, 8839 and 4568
/// ask of any answer with one audio line taken.
struct AnswerChecker {
  struct Section {
    var lines: [String]
    /// `m=` of a media section, by its fields.
    var fields: [String] { lines.first?.dropFirst(2).split(separator: " ").map(String.init) ?? [] }
    var port: String { String(fields[1].split(separator: "/")[0]) }

    func values(_ attribute: String) -> [String] {
      lines.compactMap { line in
        if line == "a=\(attribute)" { return "" }
        return line.hasPrefix("a=\(attribute):") ? String(line.dropFirst(attribute.count + 3)) : nil
      }
    }
    func value(_ attribute: String) -> String? { values(attribute).first }
    func has(_ attribute: String) -> Bool { value(attribute) != nil }

    /// The encoding of a payload type in small letters, one channel left unsaid.
    func encoding(_ payloadType: String) -> String? {
      for map in values("rtpmap") where map.hasPrefix(payloadType + " ") {
        let name = map.dropFirst(payloadType.count + 1).lowercased()
        return name.hasSuffix("/1") ? String(name.dropLast(2)) : name
      }
      return ["0": "pcmu/8000", "8": "pcma/8000", "9": "g722/8000", "13": "cn/8000"][payloadType]
    }
    var direction: String? { ["sendrecv", "sendonly", "recvonly", "inactive"].first { lines.contains("a=" + $0) } }
  }

  let session: Section
  let media: [Section]

  init(_ bytes: [UInt8]) {
    var sections: [Section] = [Section(lines: [])]
    for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init) {
      if line.hasPrefix("m=") { sections.append(Section(lines: [])) }
      sections[sections.count - 1].lines.append(line)
    }
    session = sections[0]
    media = Array(sections.dropFirst())
  }

  func first(_ attribute: String, _ section: Section) -> String? {
    section.value(attribute) ?? session.value(attribute)
  }

  /// Whether a browser-like client that has these codecs, and sends no checks of its own (RFC 8445 section 2.5), would
  /// take the line.
  func isWebAudio(_ section: Section, codecs: [String]) -> Bool {
    section.fields[0] == "audio" && section.port != "0" && section.has("rtcp-mux")
      && section.fields[2].contains("RTP/")
      && hasFingerprint(section) && !session.has("ice-lite")
      && (first("ice-ufrag", section)?.count ?? 0) >= 4 && (first("ice-pwd", section)?.count ?? 0) >= 22
      && offers(section, codecs)
  }

  /// Whether one of the hashes is strong enough (RFC 8122 section 5 lets a description list several).
  private func hasFingerprint(_ section: Section) -> Bool {
    let stated = section.has("fingerprint") ? section : session
    return stated.values("fingerprint").contains { value in
      ["sha-256 ", "sha-384 ", "sha-512 "].contains { value.lowercased().hasPrefix($0) }
    }
  }

  func isPlainAudio(_ section: Section, codecs: [String]) -> Bool {
    let address = (section.lines + session.lines).first { $0.hasPrefix("c=IN ") }?.split(separator: " ").last
    let isNumeric = address.map { $0.contains(":") || $0.allSatisfy { $0.isNumber || $0 == "." } } ?? false
    return section.fields[0] == "audio" && section.port != "0" && ["RTP/AVP", "RTP/AVPF"].contains(section.fields[2])
      && isNumeric && offers(section, codecs)
  }

  private func offers(_ section: Section, _ codecs: [String]) -> Bool {
    section.fields.dropFirst(3).contains { section.encoding($0).map(codecs.contains) ?? false }
  }

  /// What is wrong with the answer; empty if nothing is.
  static func faults(of answer: [UInt8], to offer: [UInt8], isWeb: Bool) -> [String] {
    var faults: [String] = []
    func expect(_ isRight: Bool, _ fault: String) { if !isRight { faults.append(fault) } }
    let text = String(decoding: answer, as: UTF8.self)
    expect(text.replacing("\r\n", with: "").allSatisfy { !$0.isNewline }, "a line end is not CRLF")
    let (theirs, ours) = (AnswerChecker(offer), AnswerChecker(answer))
    expect(ours.session.lines.map { $0.prefix(1) }.joined().hasPrefix("vosct"), "the session lines are out of order")
    guard theirs.media.count == ours.media.count else { return faults + ["the number of lines"] }
    var taken: [(offered: Section, answered: Section)] = []
    for (offered, answered) in zip(theirs.media, ours.media) {
      expect(offered.fields[0] == answered.fields[0] && offered.fields[2] == answered.fields[2], "kind or transport")
      expect(answered.fields.count > 3, "a line without formats")
      if isWeb { expect(offered.value("mid") == answered.value("mid"), "a mid") }
      if answered.port != "0" { taken.append((offered, answered)) }
      expect(offered.port != "0" || answered.port == "0", "a line taken that was switched off")
    }
    guard taken.count == 1, let (offered, answered) = taken.first else { return faults + ["not one line is taken"] }
    faults += codecs(offered, answered)
    faults += direction(offered.direction ?? theirs.session.direction ?? "sendrecv", answered.direction)
    let groups = ours.session.values("group")
    if isWeb, let mid = offered.value("mid") {
      let offeredGroup = theirs.session.values("group").first {
        $0.hasPrefix("BUNDLE ") && $0.split(separator: " ").contains(Substring(mid))
      }
      expect(groups == (offeredGroup == nil ? [] : ["BUNDLE " + mid]), "the BUNDLE group")
    }
    return faults + (isWeb ? web(theirs, offered, ours, answered) : keys(offered, answered))
  }

  private static func codecs(_ offered: Section, _ answered: Section) -> [String] {
    var faults: [String] = []
    let formats = Array(answered.fields.dropFirst(3))
    let encodings = formats.map { answered.encoding($0) ?? "?" }
    for (format, encoding) in zip(formats, encodings) {
      if !offered.fields.dropFirst(3).contains(format) || offered.encoding(format) != encoding {
        faults.append("format \(format) \(encoding) was not offered")
      }
    }
    let audio = encodings.filter { !$0.hasPrefix("telephone-event") }
    let events = encodings.filter { $0.hasPrefix("telephone-event") }
    guard audio.count == 1, events.count <= 1 else { return faults + ["not one codec"] }
    // That of the codec's clock, or the one that telephones have.
    let fitting = ["telephone-event/\(audio[0].split(separator: "/")[1])", "telephone-event/8000"]
    let theirs = offered.fields.dropFirst(3).compactMap { offered.encoding($0) }
    if events.first != fitting.first(where: theirs.contains) { faults.append("telephone-event \(events)") }
    return faults
  }

  private static func direction(_ offered: String, _ answered: String?) -> [String] {
    let legal = [
      "sendrecv": ["sendrecv", "sendonly", "recvonly", "inactive"], "sendonly": ["recvonly", "inactive"],
      "recvonly": ["sendonly", "inactive"], "inactive": ["inactive"],
    ]
    return legal[offered]?.contains(answered ?? "sendrecv") == true ? [] : ["direction"]
  }

  private static func web(
    _ theirs: AnswerChecker, _ offered: Section, _ ours: AnswerChecker, _ answered: Section
  ) -> [String] {
    var faults: [String] = []
    for name in ["rtcp-mux", "ice-ufrag", "ice-pwd", "fingerprint", "setup", "candidate", "end-of-candidates"]
    where !answered.has(name) { faults.append("no \(name)") }
    if !ours.session.has("ice-lite") { faults.append("no ice-lite") }
    let setup = theirs.first("setup", offered) ?? "active"
    let legal = setup == "passive" ? "active" : "passive"
    if answered.value("setup") != legal { faults.append("setup") }
    if !(answered.value("fingerprint") ?? "").hasPrefix("sha-256 ") { faults.append("fingerprint") }
    if answered.has("crypto") { faults.append("keys towards a browser") }
    if answered.has("rtcp-rsize"), !offered.has("rtcp-rsize") { faults.append("rtcp-rsize made up") }
    for candidate in answered.values("candidate") {
      let fields = candidate.split(separator: " ")
      if fields.count != 8 || fields[1] != "1" || fields[2] != "udp" || fields[6...7] != ["typ", "host"] {
        faults.append("candidate \(candidate)")
      }
    }
    return faults
  }

  private static func keys(_ offered: Section, _ answered: Section) -> [String] {
    let isSecure = answered.fields[2].hasPrefix("RTP/SAVP")
    let cryptos = answered.values("crypto").map { $0.split(separator: " ") }
    if !isSecure { return cryptos.isEmpty ? [] : ["keys on plain RTP"] }
    guard cryptos.count == 1, cryptos[0].count == 3 else { return ["not one key"] }
    let isOffered = offered.values("crypto").contains { line in
      let fields = line.split(separator: " ")
      return fields.count >= 2 && fields[0] == cryptos[0][0] && fields[1].uppercased() == cryptos[0][1]
    }
    return isOffered ? [] : ["a tag or suite that was not offered"]
  }
}
