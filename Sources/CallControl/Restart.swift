public import ACD
public import Primitives

extension Switchboard {
  /// What was live when the process died: offers end as `failed(restart)`, calls are told, chats go on.
  mutating func restart(at now: Instant, into step: inout Step) {
    let ended = calls.saved.ended
    emit(.restarted, at: now, into: &step)
    restoreWaits(at: now, into: &step)
    tell(.restarted, at: now, into: &step)
    restartCalls(ended: ended, at: now, into: &step)
    for contact in contacts.ids where contacts[contact]?.channel == .chat {
      links[contact] = VisitorLink()
      if let lost = contacts[contact]?.lostSince {
        limitTalk(with: contact, lostSince: lost)
      } else {
        timers.set(.lost(contact), at: now + Self.lostAfter)
      }
    }
  }

  /// A planned stop: whoever is in a call, waits in one or rings hears it now.
  mutating func stop(at now: Instant, into step: inout Step) {
    calls.isStopping = true
    for leg in calls.legs.ids where calls.legs[leg]?.state == .arrived {
      refuse(leg, status: 503, .overloaded, at: now, into: &step)
    }
    tell(.stopping, at: now, into: &step)
  }

  static let checkpointVersion: UInt8 = 4

  /// Writes the whole journaled state, versioned.
  public func writeCheckpoint(into writer: inout ByteWriter) {
    writer.write(Self.checkpointVersion)
    acd.writeCheckpoint(into: &writer)
    writer.write(UInt32(contacts.count))
    for id in contacts.ids {
      guard let contact = contacts[id] else { continue }
      writer.write(id.slot)
      writer.write(id.generation)
      contact.write(into: &writer)
    }
    contacts.writeFreeSlots(into: &writer)
    writeCalls(into: &writer)
  }

  /// - Throws: `CheckpointError` where the bytes are of another version or cut short.
  public init(checkpoint reader: inout ByteReader, site: Site, entropy: Entropy) throws(CheckpointError) {
    self.init(site: site, entropy: entropy)
    do {
      let version = try reader.read(UInt8.self)
      guard version == Self.checkpointVersion else {
        throw CheckpointError(offset: 0, reason: "version \(version) is not \(Self.checkpointVersion)")
      }
      acd = try Engine(checkpoint: &reader, definitions: site.definitions)
      for _ in 0..<(try reader.read(UInt32.self)) {
        let id = ContactID(slot: try reader.read(), generation: try reader.read())
        let contact = try Contact(reading: &reader)
        contacts.insert(contact, restoring: id)
        // Of several segments the last one has not ended.
        let isOver = contact.state == .wrapUp || contact.state == .ended
        if !isOver || contactsByPublicID[contact.id] == nil { contactsByPublicID[contact.id] = id }
      }
      try contacts.readFreeSlots(from: &reader)
      try readCalls(from: &reader)
    } catch let error as CheckpointError {
      throw error
    } catch {
      throw CheckpointError(offset: reader.offset, reason: "cut short")
    }
  }

  /// Gives a restored contact its person back, which the journal keeps apart.
  public mutating func restorePerson(
    of contact: ContactID, name: String?, address: String?, attributes: [ChatRequest.Attribute]
  ) {
    contacts[contact]?.person = Contact.Person(name: name, address: address, attributes: attributes)
  }

  /// The contacts that are alive: those whose persons are to be restored.
  public var liveContacts: [(contact: ContactID, id: PublicID)] {
    contacts.ids.compactMap { contact in contacts[contact].map { (contact, $0.id) } }
  }
}

extension Contact {
  fileprivate func write(into writer: inout ByteWriter) {
    writer.write(id.high)
    writer.write(id.low)
    writer.write(entry)
    writer.write(channel.rawValue)
    writer.write(queue.index)
    writer.write(state.rawValue)
    writer.write(entered)
    writer.write(answered ?? .distantPast)
    writer.write(agent?.index ?? AgentID.none.index)
    writer.write(offer?.sequence ?? 0)
    writer.write(offers)
    writer.write(wrapUpEnds ?? .distantPast)
    writer.write(lostSince ?? .distantPast)
    writer.write(mayReturn)
    writer.write(ending ?? "")
  }

  fileprivate init(reading reader: inout ByteReader) throws(ByteReader.Truncated) {
    let id = PublicID(high: try reader.read(), low: try reader.read())
    let entry = try reader.readString()
    let channel = Channel(rawValue: try reader.read()) ?? .chat
    let queue = QueueID(index: try reader.read())
    let state = ContactView.State(rawValue: try reader.readString()) ?? .ended
    self.init(id: id, entry: entry, channel: channel, queue: queue, state: state, entered: try reader.readInstant())
    func present(_ instant: Instant) -> Instant? { instant == .distantPast ? nil : instant }
    answered = present(try reader.readInstant())
    let agent = AgentID(index: try reader.read())
    self.agent = agent == .none ? nil : agent
    let offer = try reader.read(UInt64.self)
    self.offer = offer == 0 ? nil : OfferID(sequence: offer)
    offers = try reader.read()
    wrapUpEnds = present(try reader.readInstant())
    lostSince = present(try reader.readInstant())
    mayReturn = try reader.readBool()
    let ending = try reader.readString()
    self.ending = ending.isEmpty ? nil : ending
  }
}
