import ArgumentParser
import Digest
import Foundation

/// `switchboard token`
struct TokenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token", abstract: "Make a bearer token and the hash that the configuration stores.",
    discussion: "Give the token to its user; write the hash into agents.yaml as token_sha256, or into `tokens`.")

  func run() throws {
    let token = String(decoding: hexadecimal(randomBytes(24)), as: UTF8.self)
    print("token:        \(token)")
    print("token_sha256: \(String(decoding: hexadecimal(HashFunction.sha256.hash(Array(token.utf8))), as: UTF8.self))")
  }
}
