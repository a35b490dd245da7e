import API
import CallControl
import HTTPTypes

/// Writes OpenAPI 3.1 from the table of routes. Pages of the widget and the demo are not part of the API.
enum OpenAPI {
  static func document(_ routes: [Route]) -> Document {
    var paths: [String: [String: Document]] = [:]
    var schemas = Schema.of(Problem.self).components
    for route in routes {
      paths[route.path, default: [:]][route.method.rawValue.lowercased()] = operation(route)
      for schema in [route.body, route.result.schema].compactMap({ $0 }) {
        schemas.merge(schema.components) { first, _ in first }
      }
    }
    return .object([
      "openapi": .string("3.1.0"),
      "info": .object([
        "title": .string("Switchboard"), "version": .string("1"),
        "description": .string("Contacts, agents and queues. Times are RFC 3339, ids carry prefixes."),
      ]),
      "paths": .object(paths.mapValues { .object($0) }),
      "components": .object([
        "schemas": .object(schemas),
        "securitySchemes": .object([
          "bearer": .object(["type": .string("http"), "scheme": .string("bearer")])
        ]),
      ]),
    ])
  }

  private static func operation(_ route: Route) -> Document {
    var operation: [String: Document] = [
      "operationId": .string(route.name), "summary": .string(route.summary),
      "parameters": .array(parameters(route)),
      "responses": .object([
        String(route.status.code): success(route),
        "default": .object([
          "description": .string("A problem (RFC 9457)."),
          "content": content("application/problem+json", Schema.of(Problem.self).reference),
        ]),
      ]),
    ]
    var bodies = route.textBodies.map { ($0, text) }
    if let body = route.body { bodies.append(("application/json", body.reference)) }
    if !bodies.isEmpty {
      let contents = bodies.map { ($0, Document.object(["schema": $1])) }
      operation["requestBody"] = .object([
        "content": .object(Dictionary(contents, uniquingKeysWith: { first, _ in first }))
      ])
    }
    switch route.access {
    case .open: break
    case .party: operation["security"] = .array([.object(["bearer": .array([])])])
    case .scopes(let scopes):
      // Any one of the scopes is enough, so each is an alternative.
      operation["security"] = .array(
        scopes.map { .object(["bearer": .array([.string($0.rawValue)])]) })
    }
    return .object(operation)
  }

  private static func parameters(_ route: Route) -> [Document] {
    func parameter(_ name: String, in place: String, _ summary: String?, isRequired: Bool) -> Document {
      var parameter: [String: Document] = [
        "name": .string(name), "in": .string(place), "required": .flag(isRequired),
        "schema": .object(["type": .string("string")]),
      ]
      parameter["description"] = summary.map { .string($0) }
      return .object(parameter)
    }
    let inPath = route.path.split(separator: "/").filter { $0.hasPrefix("{") }
    return inPath.map { parameter(String($0.dropFirst().dropLast()), in: "path", nil, isRequired: true) }
      + route.query.map { parameter($0.name, in: "query", $0.summary, isRequired: $0.isRequired) }
      + route.headers.map { parameter($0.name, in: "header", $0.summary, isRequired: $0.isRequired) }
      + (route.method == .post
        ? [parameter("Idempotency-Key", in: "header", "Repeats of a key are answered alike.", isRequired: false)] : [])
  }

  private static let text = Document.object(["type": .string("string")])

  private static func success(_ route: Route) -> Document {
    var success: [String: Document] = ["description": .string(route.status.reasonPhrase)]
    var contents: [String: Document] = [:]
    switch route.result {
    case .none: break
    case .json(let schema): contents["application/json"] = .object(["schema": schema.reference])
    case .events: contents["text/event-stream"] = .object(["schema": text])
    case .text(let type): contents[type] = .object(["schema": text])
    }
    if let type = route.alsoAnswers { contents[type] = .object(["schema": text]) }
    if !contents.isEmpty { success["content"] = .object(contents) }
    return .object(success)
  }

  private static func content(_ type: String, _ schema: Document) -> Document {
    .object([type: .object(["schema": schema])])
  }
}

extension Route.Result {
  fileprivate var schema: Schema? { if case .json(let schema) = self { schema } else { nil } }
}
