// `Benchmarks [NAME]…`: those named, or all. Each prints CPU time beside an anchor loop measured in the same run; those
// of the whole program need it in SWITCHBOARD.
let commands: [(name: String, run: () -> Void)] = [
  ("acd", benchmarkACD),
  ("sip", benchmarkSIPParse),
  ("decisions", benchmarkDecisions),
  ("simulation", benchmarkSimulation),
  ("day", benchmarkWorkingDay),
  ("call", benchmarkCall),
  ("delivery", benchmarkDelivery),
  ("cost", benchmarkCost),
  ("console", benchmarkConsole),
  ("media", benchmarkMediaEdge),
  ("relay", benchmarkRelay),
  ("memory", benchmarkCallMemory),
  ("browsers", benchmarkBrowsers),
]
let arguments = CommandLine.arguments
// What a benchmark measures in a process of its own.
if arguments.count == 4, arguments[1] == MediaLegs.command { MediaLegs.run(arguments[2], legs: Int(arguments[3]) ?? 0) }
let chosen = arguments.dropFirst()
for command in commands where chosen.isEmpty || chosen.contains(command.name) { command.run() }
