import CSRTP
import Media

/// The reference implementation of SRTP, one direction of one far end.
final class LibSRTP {
  private let session: srtp_t?
  /// libsrtp2 has a process-wide start.
  private static let isStarted = srtp_init() == srtp_err_status_ok

  init?(_ master: SRTPMasterKey, outgoing: Bool) {
    guard Self.isStarted else { return nil }
    var policy = srtp_policy_t()
    switch master.profile {
    case .aeadAES128GCM:
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp)
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp)
    case .aeadAES256GCM:
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp)
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp)
    case .aes128CM80:
      srtp_crypto_policy_set_rtp_default(&policy.rtp)
      srtp_crypto_policy_set_rtcp_default(&policy.rtcp)
    case .aes128CM32:
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp)
      srtp_crypto_policy_set_rtcp_default(&policy.rtcp)
    case .aes256CM80:
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtp)
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtcp)
    }
    policy.ssrc.type = outgoing ? ssrc_any_outbound : ssrc_any_inbound
    policy.window_size = 128
    var session: srtp_t?
    var key = master.key + master.salt
    let status = key.withUnsafeMutableBufferPointer { key in
      policy.key = key.baseAddress
      return srtp_create(&session, &policy)
    }
    guard status == srtp_err_status_ok else { return nil }
    self.session = session
  }

  deinit { srtp_dealloc(session) }

  func protect(_ packet: [UInt8]) -> [UInt8]? { run(packet, srtp_protect) }
  func protectControl(_ packet: [UInt8]) -> [UInt8]? { run(packet, srtp_protect_rtcp) }
  func unprotect(_ packet: [UInt8]) -> [UInt8]? { run(packet, srtp_unprotect) }
  func unprotectControl(_ packet: [UInt8]) -> [UInt8]? { run(packet, srtp_unprotect_rtcp) }

  private func run(
    _ packet: [UInt8], _ call: (srtp_t?, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int32>?) -> srtp_err_status_t
  ) -> [UInt8]? {
    var bytes = packet + [UInt8](repeating: 0, count: 64)
    var length = Int32(packet.count)
    let status = bytes.withUnsafeMutableBytes { call(session, $0.baseAddress, &length) }
    return status == srtp_err_status_ok ? Array(bytes[..<Int(length)]) : nil
  }
}
