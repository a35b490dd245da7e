import ACD
import CallControl
import Primitives
import SIP
import Testing

@Suite("Which entry a call is for")
struct EntryLadders {
  @Test(
    "A tel entry is its own number and no other, as a tel URI or at one of our hosts",
    arguments: [
      ("tel:+41315550100", 200), ("tel:+41315550199", 404), ("tel:support", 404),
      ("sip:+41315550100@acme.example", 200), ("sip:+41315550199@acme.example", 404),
      ("sip:+41315550100@elsewhere.example", 404),
    ])
  func number(target: String, status: Int) {
    let (world, caller, _) = office { site in
      guard let queue = site.entries.first?.queue else { return }
      site.entries.append(Site.Entry(name: "tel:+41315550100", queue: queue, channels: [.voice]))
    }
    caller.call(target)
    world.run(for: .milliseconds(500))
    #expect(caller.log == ["\(status)"])
    if status == 200 { caller.hangUp() }
    expectNothingLeft(world)
  }
}
