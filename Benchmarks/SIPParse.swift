import SIP

/// A 700-byte INVITE as a softphone sends it.
private let invite: [UInt8] = {
  let body =
    "v=0\r\no=- 3948 3948 IN IP4 192.0.2.44\r\ns=-\r\nc=IN IP4 192.0.2.44\r\nt=0 0\r\n"
    + "m=audio 40044 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    + "a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
  let head =
    "INVITE sip:support@example.com SIP/2.0\r\n"
    + "Via: SIP/2.0/UDP 192.0.2.44:5060;branch=z9hG4bK-524287-1-9a07c3;rport\r\nMax-Forwards: 70\r\n"
    + "From: \"Ada Lovelace\" <sip:ada@example.net>;tag=8f2c1b77\r\nTo: <sip:support@example.com>\r\n"
    + "Call-ID: 1-4177@192.0.2.44\r\nCSeq: 1 INVITE\r\nContact: <sip:ada@192.0.2.44:5060>\r\n"
    + "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE\r\nSupported: replaces, timer\r\n"
    + "Accept: application/sdp, application/dtmf-relay\r\nUser-Agent: Softphone/4.2\r\nContent-Type: application/sdp\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
  return Array((head + body).utf8)
}()

/// Parsing, with every check of the start line and of the headers that identify and route the message.
func benchmarkSIPParse() {
  let count = 500_000
  var sum = 0
  let parse = Harness.measure("sip: parse an INVITE of \(invite.count) bytes", operations: count) {
    for _ in 0..<count {
      guard let message = try? Message(parsing: invite) else { continue }
      sum &+= Int(message.cseq)
    }
  }
  // Uses the result, so that the loop is not removed, and makes sure that every parse succeeded.
  if sum % count != 0 || sum == 0 { print("an INVITE was refused") }
  Harness.report([parse])
}
