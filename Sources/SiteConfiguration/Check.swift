import CallControl
import Foundation

/// What `switchboard check` does: everything that is wrong or doubtful in a site and its scenarios, in order, and the
/// examples that do not come out as written.
public enum Check {
  public static func run(_ folder: String, scenarios: [String] = []) -> [Finding] {
    var findings: [Finding] = []
    do {
      let site = try SiteFolder(reading: folder)
      findings += site.warnings + site.examples.compactMap { $0.finding(in: site.site.definitions) }
    } catch {
      findings += error.findings
    }
    for scenario in scenarios {
      do { _ = try ScenarioFile.load(scenario) } catch { findings += error.findings }
    }
    return findings.inOrder
  }

  /// A site's own scenarios: `Simulations/*.yaml` beside its folder.
  public static func scenarios(beside folder: String) -> [String] {
    let simulations = ScenarioFile.standardized(folder + "/../Simulations")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: simulations)) ?? []
    return names.filter { !$0.hasPrefix(".") && ($0.hasSuffix(".yaml") || $0.hasSuffix(".yml")) }.sorted()
      .map { joinedPath(simulations, $0) }
  }

  /// Whether the site may run.
  public static func passes(_ findings: [Finding]) -> Bool { !findings.hasError }
}
