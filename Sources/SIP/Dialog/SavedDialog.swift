import Primitives

/// Dialogs survive a restart as far as ending them needs (`CALLS.md` 6): a call that was up gets BYE, one that we were
/// making gets CANCEL, one that waited for us a refusal.
extension UserAgent {
  /// What must be stored to end a dialog after a restart: Call-ID, tags, CSeq, target, routes, flow.
  public struct SavedDialog: Sendable, Equatable {
    public var bytes: [UInt8]
    public init(bytes: [UInt8]) { self.bytes = bytes }
  }

  /// Our tag of a stored dialog: the same in its early and its confirmed form. Nil if the bytes are of another version.
  public static func localTag(of saved: SavedDialog) -> UInt64? { try? readLocalTag(of: saved) }

  private static func readLocalTag(of saved: SavedDialog) throws(ByteReader.Truncated) -> UInt64? {
    var reader = ByteReader(saved.bytes)
    guard try reader.read(UInt8.self) == version, let kind = Kind(rawValue: try reader.read()) else { return nil }
    switch kind {
    case .calling: try reader.skip(8)
    case .ringing:
      try reader.skipCounted()
      _ = try reader.readFlow()
    case .answered: try reader.skip(4)
    case .confirmed: break
    }
    // The dialog begins with its Call-ID, and whose that is.
    try reader.skipCounted()
    try reader.skip(1)
    return try reader.read(UInt64.self)
  }

  private static let version: UInt8 = 1
  private enum Kind: UInt8 { case calling = 1, ringing, answered, confirmed }

  /// Nil for one that cannot outlive the process.
  public func saved(_ dialog: DialogID) -> SavedDialog? {
    guard sessions[dialog]?.isConfined == false, let state = sessions[dialog]?.state,
      let saved = sessions[dialog]?.dialog
    else { return nil }
    var writer = ByteWriter(capacity: 1_024)
    writer.write(Self.version)
    switch state {
    case .calling(let transaction):
      guard let branch = clients[transaction]?.key.branch else { return nil }
      writer.write(Kind.calling.rawValue)
      writer.write(branch)
    case .ringing(let transaction):
      guard let request = servers[transaction]?.request, let source = servers[transaction]?.source else { return nil }
      writer.write(Kind.ringing.rawValue)
      writer.write(counted: request.bytes)
      writer.write(source)
    case .answered:
      writer.write(Kind.answered.rawValue)
      writer.write(sessions[dialog]?.unacknowledged?.sequence ?? saved.localSequence)
    case .accepted, .confirmed, .ending:
      writer.write(Kind.confirmed.rawValue)
    }
    writer.write(saved)
    return SavedDialog(bytes: writer.bytes)
  }

  /// Takes a stored dialog up again, to end it; nil if the bytes are of another version.
  public mutating func restore(_ dialog: SavedDialog) -> DialogID? { try? restored(dialog) }

  private mutating func restored(_ saved: SavedDialog) throws(ByteReader.Truncated) -> DialogID? {
    var reader = ByteReader(saved.bytes)
    guard try reader.read(UInt8.self) == Self.version, let kind = Kind(rawValue: try reader.read()) else { return nil }
    switch kind {
    case .calling:
      let key = ClientKey(branch: try reader.read(), isCancel: false)
      let dialog = try reader.readDialog()
      guard let id = take(dialog), clientKeys[key] == nil else { return nil }
      // Without its timers: it can only be given up, and CANCEL brings its own.
      let transaction = clients.insert(
        ClientTransaction(
          machine: .invite(InviteClient(state: .proceeding)), key: key, method: .invite, purpose: .invitation(id),
          flow: dialog.flow, bytes: [], dialog: dialog))
      clientKeys[key] = transaction
      sessions[id]?.state = .calling(transaction)
      return id
    case .ringing:
      let bytes = try reader.readCounted()
      let source = try reader.readFlow()
      let dialog = try reader.readDialog()
      guard let request = try? Message(parsing: bytes), let id = take(dialog) else { return nil }
      let via = request.topVia
      let key = TransactionKey(request, via: via, method: .invite)
      let transaction = servers.insert(
        ServerTransaction(
          machine: .invite(InviteServer()), key: key, mergeKey: nil, purpose: .invitation(id),
          flow: Self.responseFlow(source, via: via), source: source, request: request, tag: dialog.localTag.tag))
      serverKeys[key] = transaction
      sessions[id]?.state = .ringing(transaction)
      return id
    case .answered:
      let sequence = try reader.read(UInt32.self)
      guard let id = take(try reader.readDialog()) else { return nil }
      sessions[id]?.state = .answered
      // The transaction died with the last run: an id that finds nothing.
      sessions[id]?.unacknowledged = (sequence, ClientTransactionID(slot: .max, generation: 0))
      return id
    case .confirmed:
      return take(try reader.readDialog())
    }
  }

  /// Nil if the dialog lives already.
  private mutating func take(_ dialog: Dialog) -> DialogID? {
    guard tags[dialog.localTag] == nil else { return nil }
    return insert(Session(dialog: dialog, state: .confirmed))
  }
}

extension ByteWriter {
  fileprivate mutating func write(_ flow: Flow) {
    write(flow.transport.rawValue)
    write(flow.remote.high)
    write(flow.remote.low)
    write(flow.remote.port)
  }

  fileprivate mutating func write(_ dialog: Dialog) {
    write(dialog.callID)
    write(dialog.ownsCallID)
    write(dialog.localTag)
    write(dialog.remoteTag != nil)
    write(dialog.remoteTag ?? "")
    write(dialog.local)
    write(dialog.remote)
    write(dialog.localSequence)
    write(dialog.remoteSequence != nil)
    write(dialog.remoteSequence ?? 0)
    write(dialog.target.description)
    write(UInt16(clamping: dialog.routes.count))
    for route in dialog.routes.prefix(Int(UInt16.max)) { write(route) }
    write(dialog.isStrict)
    write(dialog.flow)
  }
}

extension ByteReader {
  fileprivate mutating func readFlow() throws(Truncated) -> Flow {
    let start = offset
    guard let transport = Flow.Transport(rawValue: try read()) else { throw Truncated(offset: start) }
    return Flow(
      transport: transport, remote: Endpoint(high: try read(), low: try read(), port: try read()), connection: 0)
  }

  fileprivate mutating func readDialog() throws(Truncated) -> Dialog {
    let callID = try readString()
    let ownsCallID = try readBool()
    let localTag = try read(UInt64.self)
    let hasRemoteTag = try readBool()
    let remoteTag = try readString()
    let local = try readString()
    let remote = try readString()
    let localSequence = try read(UInt32.self)
    let hasRemoteSequence = try readBool()
    let remoteSequence = try read(UInt32.self)
    let place = offset
    guard let target = try? URI(parsing: try readString()) else { throw Truncated(offset: place) }
    var routes: [String] = []
    for _ in 0..<(try read(UInt16.self)) { routes.append(try readString()) }
    var dialog = Dialog(
      callID: callID, ownsCallID: ownsCallID, localTag: localTag, remoteTag: hasRemoteTag ? remoteTag : nil,
      local: local, remote: remote, localSequence: localSequence,
      remoteSequence: hasRemoteSequence ? remoteSequence : nil, target: target, routes: routes,
      isStrict: try readBool(), flow: try readFlow())
    dialog.reconnect()
    return dialog
  }
}
