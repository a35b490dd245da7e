import ACD
import Primitives

/// A caller who hears why there is nobody, before the call ends.
struct Farewell: Sendable {
  var leg: LegID
  var announcement: Site.Announcement
  /// The ACD is done with the contact: it closes with the call.
  var isForgotten = false
}

extension Switchboard {
  /// Plays what the queue says on this occasion, then ends the call. A caller who has no answer yet gets one: the
  /// journal shows the refusal, and the dialog that was confirmed after it. False where there is nothing to play.
  mutating func announce(
    _ occasion: Occasion, to contact: ContactID, on leg: LegID, at now: Instant, into step: inout Step
  ) -> Bool {
    guard let announcement = announcement(on: occasion, to: contact) else { return false }
    calls.announcements[contact] = Farewell(leg: leg, announcement: announcement)
    if calls.legs[leg]?.isUnanswered == true { answerCaller(leg, at: now, into: &step) }
    guard calls.legs[leg]?.isEstablished == true else {
      calls.announcements[contact] = nil
      return false
    }
    if calls.legs[leg]?.link == .up { playAnnouncement(to: contact, at: now, into: &step) }
    if calls.legs[leg]?.signalling == .page { tellVisitor(contact, at: now, into: &step) { .contactChanged($0) } }
    return true
  }

  private func announcement(on occasion: Occasion, to contact: ContactID) -> Site.Announcement? {
    guard let queue = contacts[contact]?.queue, site.queues.indices.contains(Int(queue.index)), !calls.isStopping else {
      return nil
    }
    return site.queues[Int(queue.index)].announcements[Int(occasion.rawValue)]
  }

  /// Whether a page in this call will hear something on the occasion: until then its visitor is not told that the call is
  /// over.
  func hearsAnnouncement(_ contact: ContactID, _ occasion: Occasion) -> Bool {
    guard let caller = calls.bridges[contact]?.caller, let leg = calls.legs[caller] else { return false }
    return leg.signalling == .page && leg.isEstablished && announcement(on: occasion, to: contact) != nil
  }

  /// The caller can hear it.
  mutating func playAnnouncement(to contact: ContactID, at now: Instant, into step: inout Step) {
    guard let farewell = calls.announcements[contact], let leg = calls.legs[farewell.leg] else { return }
    step.afterCommit.append(.media(.play(leg.media, .music(farewell.announcement.music))))
    timers.set(.call(.announced(contact)), at: now + farewell.announcement.length)
  }

  /// The announcement is over, or its caller has hung up.
  mutating func endAnnouncement(to contact: ContactID, at now: Instant, into step: inout Step) {
    guard let farewell = calls.announcements[contact] else { return }
    calls.announcements[contact] = nil
    timers.cancel(.call(.announced(contact)))
    if calls.legs[farewell.leg]?.signalling == .page {
      tellVisitor(contact, at: now, into: &step) { .contactEnded($0) }
    }
    end(farewell.leg, at: now, into: &step)
    if farewell.isForgotten { emit(.contactClosed(contact), at: now, into: &step) }
  }

  /// Tells the visitor what no event of its own tells.
  private func tellVisitor(
    _ contact: ContactID, at now: Instant, into step: inout Step, _ body: (ContactView) -> Notice.Body
  ) {
    guard let id = contacts[contact]?.id else { return }
    step.afterCommit.append(
      .notify(
        Notice(
          sequence: step.acd.sequence - 1, at: now, contact: id, agent: nil, body: body(view(of: contact, at: now)))))
  }

  /// The ACD will not name the contact again.
  mutating func forget(_ contact: ContactID, at now: Instant, into step: inout Step) {
    releasePlace(of: contact)
    if calls.announcements[contact] != nil {
      calls.announcements[contact]?.isForgotten = true
    } else {
      emit(.contactClosed(contact), at: now, into: &step)
    }
  }

  // MARK: Places of callers who were cut off

  /// By what a returning caller is known: who has no user, or hides it, is nobody in particular.
  func place(of contact: ContactID) -> String {
    guard let caller = contacts[contact], caller.channel == .voice, let address = caller.person.address,
      address.utf8.contains(UInt8(ascii: "@")), !address.contains("anonymous")
    else { return "" }
    return address
  }

  mutating func holdPlace(of contact: ContactID) {
    let address = place(of: contact)
    if !address.isEmpty { calls.heldPlaces[address] = contact }
  }

  mutating func releasePlace(of contact: ContactID) {
    guard !calls.heldPlaces.isEmpty else { return }
    let address = place(of: contact)
    if calls.heldPlaces[address] == contact { calls.heldPlaces[address] = nil }
  }

  /// After a restart: places that are still held, requests that still stand, and contacts whose last announcement or
  /// message the end of the process cut short.
  mutating func restoreWaits(at now: Instant, into step: inout Step) {
    for contact in contacts.ids {
      guard let it = contacts[contact] else { continue }
      if !acd.holds(contact) {
        if it.state == .message {
          timers.set(.messageLimit(contact), at: now + Self.messageLimit)
        } else {
          endSavedDialogs(of: contact, at: now, into: &step)
          emit(.contactClosed(contact), at: now, into: &step)
        }
      } else if it.mayReturn {
        holdPlace(of: contact)
      } else if it.channel == .callback {
        calls.bridges[contact] = Bridge(caller: .none)
      }
    }
  }

  // MARK: Messages

  /// So long after the last word a message counts as left.
  static let messageLimit: Int64 = .minutes(10)

  mutating func takeMessage(_ contact: ContactID, at now: Instant, into step: inout Step) {
    timers.set(.messageLimit(contact), at: now + Self.messageLimit)
  }

  /// The visitor has said everything, or has gone.
  mutating func endMessage(_ contact: ContactID, at now: Instant, into step: inout Step) {
    guard contacts[contact]?.state == .message else { return }
    timers.cancel(.messageLimit(contact))
    timers.cancel(.lost(contact))
    contacts[contact]?.state = .ended
    let view = view(of: contact, at: now)
    let id = contacts[contact]?.id
    emit(.contactClosed(contact), at: now, into: &step)
    step.afterCommit.append(
      .notify(
        Notice(sequence: step.acd.sequence - 1, at: now, contact: id, agent: nil, body: .contactEnded(view))))
  }
}
