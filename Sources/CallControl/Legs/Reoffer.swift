import ACD
import Primitives
import SDP
import SIP

// New offers inside a call: hold, resume, refresh (`CALLS.md` 1). Each leg's SDP ends here.

extension Switchboard {
  /// A re-INVITE or UPDATE of the far end.
  mutating func reoffered(
    _ dialog: DialogID, _ transaction: ServerTransactionID, _ message: Message, at now: Instant, into step: inout Step
  ) {
    guard let id = calls.legsByDialog[dialog] else {
      return send(into: &step) { $0.respond(to: transaction, status: 481, at: now, into: &$1) }
    }
    let address = site.listen.media.advertisedAddress
    if message.body.isEmpty, message.method == .update {
      return send(into: &step) { $0.respond(to: transaction, status: 200, at: now, into: &$1) }
    }
    if message.body.isEmpty {
      // Over DTLS-SRTP it is the far end that offers: what was agreed stays.
      guard calls.legs[id]?.transport != .web else {
        return send(into: &step) { $0.respond(to: transaction, status: 488, at: now, into: &$1) }
      }
      // A delayed offer: ours stands in the 2xx, theirs comes with the ACK.
      guard let body = calls.legs[id]?.sdpOffer(at: address) else { return }
      return send(into: &step) { $0.respond(to: transaction, status: 200, body: .sdp(body), at: now, into: &$1) }
    }
    guard let offer = SessionDescription(in: message) else {
      return send(into: &step) { $0.respond(to: transaction, status: 400, at: now, into: &$1) }
    }
    do throws(NegotiationError) {
      if calls.legs[id]?.isRestart(offer, at: address) == true { throw .restart }
      guard let answer = try calls.legs[id]?.answer(offer, at: address) else { return }
      send(into: &step) { $0.respond(to: transaction, status: 200, body: .sdp(answer), at: now, into: &$1) }
      mediaAgreed(id, at: now, into: &step)
    } catch {
      let warning = warning(error)
      send(into: &step) {
        $0.respond(to: transaction, status: error.status, headers: [warning], at: now, into: &$1)
      }
    }
  }

  /// The far end took our re-INVITE.
  mutating func reanswered(_ dialog: DialogID, _ message: Message, at now: Instant, into step: inout Step) {
    sendAtOnce(into: &step) { $0.acknowledge(dialog, at: now, into: &$1) }
    guard let id = calls.legsByDialog[dialog] else { return }
    guard (try? calls.legs[id]?.receive(answer: message)) != nil else {
      calls.legs[id]?.withdrawOffer()
      return
    }
    mediaAgreed(id, at: now, into: &step)
  }
}
