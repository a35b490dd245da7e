import ArgumentParser
import Foundation
import SDP
import SIP

/// `switchboard inspect sip|sdp FILE…`
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print what a SIP message or an SDP body says as JSON, or why and at which byte it is refused.",
    discussion: "Exits 1 when any file is refused, 2 when one cannot be read.")

  enum Kind: String, ExpressibleByArgument, CaseIterable { case sip, sdp }

  @Argument(help: "sip or sdp") var kind: Kind
  @Argument(help: "Files, each holding one message; - for standard input.") var files: [String]

  func run() throws {
    var refused = false
    for file in files {
      let data =
        file == "-" ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: file)
      guard let data else {
        complain("\(file): cannot be read")
        throw ExitCode(2)
      }
      let (json, isAccepted) = Self.inspect([UInt8](data), as: kind)
      print(json)
      if !isAccepted {
        complain("\(file): refused")
        refused = true
      }
    }
    if refused { throw ExitCode(1) }
  }

  private static func inspect(_ bytes: [UInt8], as kind: Kind) -> (json: String, isAccepted: Bool) {
    switch kind {
    case .sip:
      let inspection = SIP.inspect(bytes)
      return (inspection.json, inspection.isAccepted)
    case .sdp:
      let inspection = SDP.inspect(bytes)
      return (inspection.json, inspection.isAccepted)
    }
  }
}
