internal import Primitives

/// What `switchboard inspect sip` prints about bytes.
public struct Inspection: Sendable {
  /// The message, or why and at which byte it is refused.
  public var json: String
  public var isAccepted: Bool
}

/// Describes bytes as one message: start line, each header with its values taken apart, size of the body; or the
/// refusal with its byte offset and the status it deserves.
public func inspect(_ bytes: [UInt8], limits: Limits = Limits()) -> Inspection {
  do throws(ParseError) {
    let message = try Message(parsing: bytes, limits: limits)
    return Inspection(json: message.json(unread: bytes.count - message.bytes.count).text, isAccepted: true)
  } catch {
    let refusal: [(name: String, value: JSON)] = [
      ("offset", .number(error.offset)), ("reason", .string(error.reason)), ("status", .number(error.status)),
    ]
    return Inspection(json: JSON.object([("refused", .object(refusal))]).text, isAccepted: false)
  }
}

extension Message {
  func json(unread: Int) -> JSON {
    var members: [(name: String, value: JSON)] = []
    if isRequest {
      members += [("method", .string(method.name)), ("requestURI", requestURI.json)]
    } else {
      members += [("status", .number(status)), ("reason", .string(reason)), ("method", .string(method.name))]
    }
    members.append(("headers", .array(fields.map(json))))
    let body: [(name: String, value: JSON)] = [("contentType", JSON(contentType)), ("bytes", .number(self.body.count))]
    members.append(("body", .object(body)))
    // What a datagram carried behind the message and nobody read (RFC 3261 section 18.3).
    if unread > 0 { members.append(("ignoredBytes", .number(unread))) }
    return .object(members)
  }

  private func json(_ field: HeaderField) -> JSON {
    let span = bytes.span
    let name = field.header == .other ? span.text(field.nameRange) : field.header.long.description
    return .object([("name", .string(name)), ("values", .array(values(field, name)))])
  }

  private func values(_ field: HeaderField, _ name: String) -> [JSON] {
    let span = bytes.span
    var i = Int(field.value)
    let end = Int(field.valueEnd)
    var values: [JSON] = []
    switch field.header {
    case .via:
      // These values were read once when the message was parsed.
      repeat {
        guard let ranges = try? span.via(&i, end) else { break }
        values.append(Via(span, ranges).json)
      } while (try? span.comma(&i, end)) == true
      return values
    case .from, .to, .route, .recordRoute, .contact:
      repeat {
        guard let ranges = try? span.address(&i, end) else { break }
        values.append(Address(span, ranges).json)
      } while (try? span.comma(&i, end)) == true
      return values.isEmpty ? [.string(span.unfolded(field.valueRange))] : values
    case .cseq: return [.object([("number", .number(Int(cseq))), ("method", .string(method.name))])]
    case .contentLength: return [.number(body.count)]
    default: break
    }
    guard HeaderName.isList(name) else { return [.string(span.unfolded(field.valueRange))] }
    return span.elements(field.valueRange).map { .string(span.unfolded($0)) }
  }
}

extension URI {
  var json: JSON {
    var members: [(name: String, value: JSON)] = [("text", .string(description)), ("scheme", .string(scheme))]
    if let user { members.append(("user", .string(user))) }
    if !host.isEmpty { members.append(("host", .string(host))) }
    if let port { members.append(("port", .number(Int(port)))) }
    if !parameters.isEmpty { members.append(("parameters", .array(parameters.map(\.json)))) }
    if let headers { members.append(("headers", .string(headers))) }
    return .object(members)
  }
}

extension URI.Parameter {
  var json: JSON { .object([("name", .string(name)), ("value", JSON(value))]) }
}

extension Address {
  var json: JSON {
    var members: [(name: String, value: JSON)] = []
    if let displayName { members.append(("displayName", .string(displayName))) }
    members.append(("uri", uri.json))
    if !parameters.isEmpty { members.append(("parameters", .array(parameters.map(\.json)))) }
    return .object(members)
  }
}

extension Via {
  var json: JSON {
    var members: [(name: String, value: JSON)] = [("transport", .string(transport)), ("host", .string(host))]
    if let port { members.append(("port", .number(Int(port)))) }
    if !parameters.isEmpty { members.append(("parameters", .array(parameters.map(\.json)))) }
    return .object(members)
  }
}
