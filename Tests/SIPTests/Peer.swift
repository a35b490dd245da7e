import SIP

/// Writes the requests of a far end by hand, so that tests can say what no user agent of ours would.
struct Peer {
  var user: String
  var host = "10.0.0.1"

  func request(
    _ method: String, _ target: String = "sip:queue@10.0.0.2", cseq: UInt32 = 1, branch: String = "1",
    toTag: String? = nil, callID: String = "call", fromTag: String = "peer", headers: [String] = [], body: String = "",
    contentType: String = "application/sdp", contact: String? = nil
  ) -> String {
    var lines = [
      "\(method) \(target) SIP/2.0",
      "Via: SIP/2.0/UDP \(host):5060;branch=z9hG4bK-\(user)-\(branch);rport",
      "From: <sip:\(user)@\(host)>;tag=\(fromTag)",
      "To: <sip:queue@10.0.0.2>" + (toTag.map { ";tag=" + $0 } ?? ""),
      "Call-ID: \(callID)-\(user)",
      "CSeq: \(cseq) \(method)",
      "Contact: \(contact ?? "<sip:\(user)@\(host):5060>")",
    ]
    if !headers.contains(where: { $0.hasPrefix("Max-Forwards") }) { lines.append("Max-Forwards: 70") }
    lines += headers
    if !body.isEmpty { lines.append("Content-Type: \(contentType)") }
    lines.append("Content-Length: \(body.utf8.count)")
    return lines.joined(separator: "\r\n") + "\r\n\r\n" + body
  }
}
