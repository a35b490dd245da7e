import ArgumentParser
import Foundation
import SiteConfiguration

/// `switchboard check [Queues]`
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Validate a site and its scenarios; exits 1 if anything is wrong.")

  enum Format: String, ExpressibleByArgument, CaseIterable { case text, github }

  @Argument(help: "The folder of YAML files.") var folder = "Queues"
  @Option(
    parsing: .upToNextOption, help: "Scenario files to validate; those in Simulations beside the folder unless given.")
  var scenarios: [String] = []
  @Option(help: "text, or github for workflow annotations.") var format = Format.text

  func run() throws {
    let scenarios = scenarios.isEmpty ? Check.scenarios(beside: folder) : scenarios
    let findings = Check.run(folder, scenarios: scenarios)
    for finding in findings { print(format == .github ? finding.annotation : finding.description) }
    guard Check.passes(findings) else { throw ExitCode(1) }
    guard format == .text else { return }
    for line in try Check.starvation(folder) { print(line) }
    for good in [folder] + scenarios { print("\(good): good") }
  }
}

/// `switchboard schema [site|scenario]`
struct Schema: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the JSON Schema of a site's files, or of a scenario, for editors.")

  enum Kind: String, ExpressibleByArgument, CaseIterable { case site, scenario }

  @Argument(help: "site or scenario") var kind = Kind.site

  func run() throws { print(kind == .site ? SiteFolder.jsonSchema() : ScenarioFile.jsonSchema(), terminator: "") }
}
