import COpenSSL

/// A cipher context of libcrypto with its key scheduled once; a packet gives it an initial vector only. It belongs to one
/// `SRTPContext`, which cannot be copied, so no two threads use it at once.
final class SRTPCipher: @unchecked Sendable {
  private let context: OpaquePointer
  private let encrypts: Int32

  init(_ profile: SRTPProfile, key: [UInt8], encrypts: Bool = true) {
    self.encrypts = encrypts ? 1 : 0
    guard let context = EVP_CIPHER_CTX_new(),
      EVP_CipherInit_ex(context, profile.cipher, nil, key, nil, self.encrypts) == 1
    else { preconditionFailure("libcrypto refuses an AES cipher") }
    self.context = context
  }

  deinit { EVP_CIPHER_CTX_free(context) }

  /// Counter mode in place; encrypts and decrypts.
  @inline(__always)
  func apply(_ vector: UInt128, to bytes: UnsafeMutableRawBufferPointer) {
    start(vector)
    update(bytes)
  }

  func apply(_ vector: UInt128, to bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { apply(vector, to: $0) }
  }

  /// Galois counter mode in place; false if the tag does not fit, and then the bytes are worthless.
  /// - Parameters: what is authenticated besides, a packet's header and for RTCP its index; where the tag of 16 octets
  ///   stands or is to stand.
  @inline(__always)
  func apply(
    _ vector: UInt128, header: UnsafeRawBufferPointer, index: UInt32?, to bytes: UnsafeMutableRawBufferPointer,
    tag: UnsafeMutableRawPointer
  ) -> Bool {
    var length: Int32 = 0
    start(vector)
    if encrypts == 0 { EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, tag) }
    EVP_CipherUpdate(context, nil, &length, header.bindMemory(to: UInt8.self).baseAddress, Int32(header.count))
    if let index {
      withUnsafeBytes(of: index.bigEndian) {
        _ = EVP_CipherUpdate(context, nil, &length, $0.bindMemory(to: UInt8.self).baseAddress, 4)
      }
    }
    update(bytes)
    guard EVP_CipherFinal_ex(context, nil, &length) == 1 else { return false }
    return encrypts == 0 || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1
  }

  @inline(__always)
  private func start(_ vector: UInt128) {
    withUnsafeBytes(of: vector.bigEndian) {
      _ = EVP_CipherInit_ex(context, nil, nil, nil, $0.bindMemory(to: UInt8.self).baseAddress, encrypts)
    }
  }

  @inline(__always)
  private func update(_ bytes: UnsafeMutableRawBufferPointer) {
    let place = bytes.bindMemory(to: UInt8.self).baseAddress
    var length: Int32 = 0
    EVP_CipherUpdate(context, place, &length, place, Int32(truncatingIfNeeded: bytes.count))
  }
}

/// HMAC-SHA1 (RFC 2104) with one key: the states behind the inner and the outer padding are kept and copied for each
/// message, which saves two of its five or so blocks and the calls that EVP makes around them.
struct HMACSHA1: Sendable {
  static let size = 20
  private var inner = SHA_CTX()
  private var outer = SHA_CTX()

  init(key: [UInt8]) {
    func state(_ padding: UInt8) -> SHA_CTX {
      var block = [UInt8](repeating: padding, count: 64)
      for (place, byte) in key.enumerated() { block[place] ^= byte }
      var state = SHA_CTX()
      SHA1_Init(&state)
      SHA1_Update(&state, block, 64)
      return state
    }
    precondition(key.count <= 64, "a longer key would have to be hashed first")
    inner = state(0x36)
    outer = state(0x5c)
  }

  /// The code of a message and a word behind it, if there is one.
  @inline(__always)
  func code(_ message: UnsafeRawBufferPointer, _ word: UInt32?) -> InlineArray<20, UInt8> {
    var code = InlineArray<20, UInt8>(repeating: 0)
    withUnsafeMutableBytes(of: &code) { code in
      let place = code.bindMemory(to: UInt8.self).baseAddress
      var state = inner
      SHA1_Update(&state, message.baseAddress, message.count)
      if let word { withUnsafeBytes(of: word.bigEndian) { _ = SHA1_Update(&state, $0.baseAddress, 4) } }
      SHA1_Final(place, &state)
      state = outer
      SHA1_Update(&state, place, 20)
      SHA1_Final(place, &state)
    }
    return code
  }
}
