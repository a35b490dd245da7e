// Benchmarks: `Benchmarks [acd] [sip]`. Each prints CPU time beside an anchor loop measured in the same run.
let commands: [(name: String, run: () -> Void)] = [
  ("acd", benchmarkACD),
  ("sip", benchmarkSIPParse),
]
let chosen = CommandLine.arguments.dropFirst()
for command in commands where chosen.isEmpty || chosen.contains(command.name) { command.run() }
