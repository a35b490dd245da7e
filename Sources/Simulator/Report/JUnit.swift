import SiteConfiguration

extension [SimulationReport] {
  /// JUnit XML: a suite for each scenario, a case for each threshold. What is inconclusive is an error and not a
  /// failure: the test could not tell.
  public var junit: String {
    var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
    for report in self { text += report.suite }
    return text + "</testsuites>\n"
  }
}

extension SimulationReport {
  private struct Case {
    var name: String
    var line: Int
    var problem: (element: String, message: String)?
  }

  fileprivate var suite: String {
    var cases = results.map { result in
      Case(
        name: result.expectation.text, line: result.expectation.place.line,
        problem: result.verdict == .pass
          ? nil : (result.verdict == .fail ? "failure" : "error", "\(result.verdict.rawValue): \(result.words)"))
    }
    if let finding = fingerprintFinding {
      cases.append(Case(name: "fingerprint", line: finding.place.line, problem: ("failure", finding.message)))
    }
    if !violations.isEmpty {
      let message = violations.prefix(10).map(\.description).joined(separator: "\n")
      cases.append(Case(name: "declared rules", line: 1, problem: ("failure", message)))
    }
    let failures = cases.count { $0.problem?.element == "failure" }
    let errors = cases.count { $0.problem?.element == "error" }
    var text = "  <testsuite name=\"\(Wording.escaped(file))\" tests=\"\(cases.count)\" failures=\"\(failures)\""
    text += " errors=\"\(errors)\">\n"
    text += "    <properties>\n"
    for (name, value) in [
      ("seed", "\(seed)"), ("replications", "\(replications)"), ("fingerprint", fingerprint), ("repeat", repetition),
    ] {
      text += "      <property name=\"\(name)\" value=\"\(Wording.escaped(value))\"/>\n"
    }
    text += "    </properties>\n"
    for item in cases {
      text += "    <testcase classname=\"\(Wording.escaped(file))\" name=\"\(Wording.escaped(item.name))\""
      text += " file=\"\(Wording.escaped(file))\" line=\"\(item.line)\""
      guard let problem = item.problem else {
        text += "/>\n"
        continue
      }
      let message = Wording.escaped(problem.message)
      text += ">\n      <\(problem.element) message=\"\(message)\">"
      text += Wording.escaped("\(file):\(item.line): \(item.name)\n\(problem.message)\nrepeat with: \(repetition)")
      text += "</\(problem.element)>\n    </testcase>\n"
    }
    return text + "  </testsuite>\n"
  }
}
