// `Benchmarks [NAME]…`: those named, or all. Each prints CPU time beside an anchor loop measured in the same run; those
// of the whole program need it in SWITCHBOARD.
let commands: [(name: String, run: () -> Void)] = [
  ("acd", benchmarkACD),
  ("sip", benchmarkSIPParse),
  ("simulation", benchmarkSimulation),
  ("day", benchmarkWorkingDay),
  ("call", benchmarkCall),
  ("delivery", benchmarkDelivery),
  ("cost", benchmarkCost),
  ("console", benchmarkConsole),
  ("media", benchmarkMediaEdge),
]
let chosen = CommandLine.arguments.dropFirst()
for command in commands where chosen.isEmpty || chosen.contains(command.name) { command.run() }
