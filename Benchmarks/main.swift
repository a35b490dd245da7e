// Benchmarks: `Benchmarks [acd] [sip] [simulation] [delivery] [console]`. Each prints CPU time beside an anchor loop measured in
// the same run. `delivery` and `console` need the built program in SWITCHBOARD.
let commands: [(name: String, run: () -> Void)] = [
  ("acd", benchmarkACD),
  ("sip", benchmarkSIPParse),
  ("simulation", benchmarkSimulation),
  ("delivery", benchmarkDelivery),
  ("console", benchmarkConsole),
]
let chosen = CommandLine.arguments.dropFirst()
for command in commands where chosen.isEmpty || chosen.contains(command.name) { command.run() }
