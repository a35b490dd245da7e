// Benchmarks: `Benchmarks [acd] [sip] [simulation] [day] [delivery]`. Each prints CPU time beside an anchor loop
// measured in the same run. `delivery` needs the built server in SWITCHBOARD.
let commands: [(name: String, run: () -> Void)] = [
  ("acd", benchmarkACD),
  ("sip", benchmarkSIPParse),
  ("simulation", benchmarkSimulation),
  ("day", benchmarkWorkingDay),
  ("delivery", benchmarkDelivery),
]
let chosen = CommandLine.arguments.dropFirst()
for command in commands where chosen.isEmpty || chosen.contains(command.name) { command.run() }
