// Benchmarks: `Benchmarks [acd] [sip] [delivery]`. Each prints CPU time beside an anchor loop measured in the same run.
let commands: [(name: String, run: () -> Void)] = [
  ("acd", benchmarkACD),
  ("sip", benchmarkSIPParse),
  ("delivery", benchmarkDelivery),
]
let chosen = CommandLine.arguments.dropFirst()
for command in commands where chosen.isEmpty || chosen.contains(command.name) { command.run() }
