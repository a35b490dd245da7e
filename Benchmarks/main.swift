// Benchmarks: `Benchmarks [acd] [sip] [simulation]`. Each prints CPU time beside an anchor loop measured in the same run.
let commands: [(name: String, run: () -> Void)] = [
  ("acd", benchmarkACD),
  ("sip", benchmarkSIPParse),
  ("simulation", benchmarkSimulation),
]
let chosen = CommandLine.arguments.dropFirst()
for command in commands where chosen.isEmpty || chosen.contains(command.name) { command.run() }
