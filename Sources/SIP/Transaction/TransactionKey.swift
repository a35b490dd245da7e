import Primitives

/// By what a request finds its server transaction (RFC 3261 section 17.2.3).
struct TransactionKey: Hashable, Sendable {
  private var bytes: [UInt8] = []

  /// The bytes at once: an array hashes its elements one by one.
  func hash(into hasher: inout Hasher) {
    bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
  }

  /// Branch, sent-by and method; ACK and CANCEL are looked up as the INVITE they belong to.
  init(_ message: Message, via: Via, method: Method) {
    bytes.reserveCapacity(96)
    if via.hasTransactionBranch, let branch = via.branch {
      bytes.append(utf8: branch)
      append(via.host)
      append(via.port ?? 5060)
    } else {
      // RFC 2543: all that copies of one request share. An ACK differs from its INVITE in the To tag only.
      append(message.requestURI.description)
      append(message.text(message.fromTag))
      append(message.callID)
      append(message.cseq)
      append(message.header("via") ?? "")
    }
    append(method == .ack ? "INVITE" : method.name)
  }

  /// What requests share that came from one client by several paths (section 8.2.2.2).
  init(merging message: Message) {
    bytes.reserveCapacity(96)
    bytes.append(utf8: message.callID)
    append(message.text(message.fromTag))
    append(message.cseq)
    append(message.method.name)
  }

  private mutating func append(_ text: String) {
    bytes.append(0)
    bytes.append(utf8: text)
  }
  private mutating func append(_ number: some FixedWidthInteger) {
    bytes.append(0)
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
  }
}

/// By what a response finds its client transaction (section 17.1.3): our branch; CANCEL shares that of its INVITE.
struct ClientKey: Hashable, Sendable {
  static let magic = "z9hG4bK"
  var branch: UInt64
  var isCancel: Bool

  init(branch: UInt64, isCancel: Bool) {
    self.branch = branch
    self.isCancel = isCancel
  }
  /// Nil if the branch cannot be one of ours.
  init?(_ message: Message) {
    let magic = Self.magic.utf8.count
    guard let range = message.branch, message.bytes[range].starts(with: Self.magic.utf8),
      let branch = UInt64(tag: message.bytes.span.extracting(range.dropFirst(magic)))
    else { return nil }
    self.init(branch: branch, isCancel: message.method == .cancel)
  }
}

/// Our tags and branches are 64 unpredictable bits in sixteen hexadecimal digits.
extension UInt64 {
  init?(tag: Span<UInt8>) {
    guard tag.count == 16 else { return nil }
    var value: UInt64 = 0
    for i in tag.indices {
      guard let nibble = ASCII.hexadecimal(tag[i]) else { return nil }
      value = value << 4 | UInt64(nibble)
    }
    self = value
  }
  var tag: String {
    String(unsafeUninitializedCapacity: 16) { buffer in
      for place in 0..<16 {
        let nibble = UInt8(truncatingIfNeeded: self >> UInt64(60 - 4 * place)) & 15
        buffer[place] = nibble < 10 ? 0x30 + nibble : 0x57 + nibble
      }
      return 16
    }
  }
}
