import COpenSSL

/// The cryptographic contexts of one kind of packets in one direction (RFC 3711 section 3.2): session keys that all
/// sources share, and for each source what was seen of it. Nothing is allocated for a packet.
struct SRTPContext: ~Copyable, Sendable {
  /// A far end has one source, and another one after it changed its microphone; more are somebody's error.
  static let mostSources = 16

  private struct Source: Sendable {
    var ssrc: UInt32
    var index = PacketIndex()
  }

  let isAEAD: Bool
  let tagLength: Int
  private let salt: UInt128
  private let shift: UInt128
  private let cipher: SRTPCipher
  private let hmac: HMACSHA1
  private var sources: [Source] = []

  init(_ master: SRTPMasterKey, encrypts: Bool, isControl: Bool) {
    // Nothing of `self` is read before all of it is there: inside an autoclosure that miscompiles (Swift 6.3.1).
    let profile = master.profile
    let salt = master.sessionKey(isControl ? .controlSalt : .salt, count: profile.saltLength)
    let key = master.sessionKey(isControl ? .controlEncryption : .encryption, count: profile.keyLength)
    let code = master.sessionKey(
      isControl ? .controlAuthentication : .authentication, count: HMACSHA1.size)
    self.isAEAD = profile.isAEAD
    self.tagLength = isControl ? profile.controlTagLength : profile.tagLength
    self.salt = salt.reduce(0) { $0 << 8 | UInt128($1) }
    self.shift = UInt128(128 - profile.saltLength * 8)
    self.cipher = SRTPCipher(profile, key: key, encrypts: encrypts || !profile.isAEAD)
    self.hmac = HMACSHA1(key: code)
    sources.reserveCapacity(2)
  }

  /// The index of a packet by its sequence number, and where its source stands, or would stand.
  @inline(__always)
  func place(_ ssrc: UInt32, _ sequence: UInt16) throws(SRTPError) -> (source: Int, index: UInt64) {
    let source = try place(ssrc)
    let known = source < sources.count ? sources[source].index : PacketIndex()
    let index = known.guess(sequence)
    try known.check(index)
    return (source, index)
  }

  /// The same where the packet states its index itself.
  @inline(__always)
  func place(_ ssrc: UInt32, at index: UInt32) throws(SRTPError) -> Int {
    let source = try place(ssrc)
    if source < sources.count { try sources[source].index.check(UInt64(index)) }
    return source
  }

  /// The index after the highest one of a source (section 3.4).
  @inline(__always)
  func nextIndex(_ ssrc: UInt32) throws(SRTPError) -> (source: Int, index: UInt32) {
    let source = try place(ssrc)
    let next = source < sources.count ? sources[source].index.highest + 1 : 1
    guard next < 1 << 31 else { throw .exhausted }
    return (source, UInt32(next))
  }

  @inline(__always)
  private func place(_ ssrc: UInt32) throws(SRTPError) -> Int {
    var place = 0
    while place < sources.count, sources[place].ssrc != ssrc { place += 1 }
    guard place < Self.mostSources else { throw .tooManySources }
    return place
  }

  @inline(__always)
  mutating func note(_ source: Int, _ ssrc: UInt32, _ index: UInt64) {
    if source == sources.count { sources.append(Source(ssrc: ssrc)) }
    sources[source].index.note(index)
  }

  /// The initial vector of a packet (RFC 3711 section 4.1.1, RFC 7714 sections 8.1 and 9.1): salt, source and index.
  @inline(__always)
  private func vector(_ ssrc: UInt32, _ index: UInt64) -> UInt128 {
    (salt ^ UInt128(ssrc) << 48 ^ UInt128(index)) << shift
  }

  /// Encrypts all behind the header; `room` goes on behind `count` for the tag.
  /// - Returns: the new length.
  @inline(__always)
  func protect(
    _ room: UnsafeMutableRawBufferPointer, count: Int, header: Int, ssrc: UInt32, index: UInt64, control: UInt32? = nil
  ) -> Int {
    let payload = UnsafeMutableRawBufferPointer(rebasing: room[header..<count])
    let vector = vector(ssrc, index)
    if isAEAD {
      let tag = UnsafeMutableRawBufferPointer(rebasing: room[count..<count + tagLength])
      let associated = UnsafeRawBufferPointer(rebasing: room[..<header])
      // The buffer has a base address: it is longer than a header.
      guard cipher.apply(vector, header: associated, index: control, to: payload, tag: tag.baseAddress!) else {
        preconditionFailure("libcrypto refuses to encrypt")
      }
      guard let control else { return count + tagLength }
      room.storeBytes(of: control.bigEndian, toByteOffset: count + tagLength, as: UInt32.self)
      return count + tagLength + 4
    }
    cipher.apply(vector, to: payload)
    var end = count
    if let control {
      room.storeBytes(of: control.bigEndian, toByteOffset: count, as: UInt32.self)
      end += 4
    }
    let rollOver = control == nil ? UInt32(truncatingIfNeeded: index >> 16) : nil
    let code = hmac.code(UnsafeRawBufferPointer(rebasing: room[..<end]), rollOver)
    for place in 0..<tagLength { room[end + place] = code[place] }
    return end + tagLength
  }

  /// Checks the tag of a packet and decrypts all between its header and `end`.
  /// - Parameter end: where the encrypted part ends; tag, and for RTCP the index, follow as the profile has them.
  @inline(__always)
  func unprotect(
    _ packet: UnsafeMutableRawBufferPointer, end: Int, header: Int, ssrc: UInt32, index: UInt64, control: UInt32? = nil
  ) throws(SRTPError) {
    let payload = UnsafeMutableRawBufferPointer(rebasing: packet[header..<end])
    let vector = vector(ssrc, index)
    if isAEAD {
      let tag = UnsafeMutableRawBufferPointer(rebasing: packet[end..<end + tagLength])
      let associated = UnsafeRawBufferPointer(rebasing: packet[..<header])
      // The buffer has a base address: it is longer than a header.
      guard cipher.apply(vector, header: associated, index: control, to: payload, tag: tag.baseAddress!) else {
        throw .unauthentic
      }
      return
    }
    let covered = control == nil ? end : end + 4
    let rollOver = control == nil ? UInt32(truncatingIfNeeded: index >> 16) : nil
    let code = hmac.code(UnsafeRawBufferPointer(rebasing: packet[..<covered]), rollOver)
    let isAuthentic = withUnsafeBytes(of: code) { code in
      // The packet is as long as its tag wants it, so there is an address.
      CRYPTO_memcmp(code.baseAddress!, packet.baseAddress! + covered, tagLength) == 0
    }
    guard isAuthentic else { throw .unauthentic }
    cipher.apply(vector, to: payload)
  }
}
