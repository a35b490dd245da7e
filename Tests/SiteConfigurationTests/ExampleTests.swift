import ACD
import Foundation
import SiteConfiguration
import Testing

@Suite("Examples beside a queue")
struct ExampleTests {
  private func findings(_ examples: String) throws -> [String] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("examples-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try """
    queues:
      support:
        channels: [voice, chat]
        skills: { en: 50 }
        limits: { wait: 5m }
        examples:
    \(examples)
    agents:
      ana: { phone: demo, skills: { en: 60, es: 80 }, queues: [support] }
      ben: { phone: demo, skills: { en: 90 }, queues: [support] }
      cem: { phone: none, skills: { en: 90, es: 20 }, queues: [support] }
    """.write(to: folder.appendingPathComponent("site.yaml"), atomically: true, encoding: .utf8)
    return Check.run(folder.path).map { $0.description.replacing(folder.path + "/", with: "") }
  }

  @Test("Examples that come out as written are silent")
  func pass() throws {
    #expect(
      try findings(
        """
              - { name: a, needs: { es: 50 }, waited: 90s, signed_in: [ben, ana], offered_to: ana }
              - { name: b, signed_in: [ben, ana], offered_to: ben }
              - { name: c, signed_in: [ana, ben], offered_to: ana }
              - { name: d, signed_in: [], offered_to: nobody }
              - { name: e, needs: { es: 50 }, signed_in: [ben, cem], offered_to: nobody }
              - { name: f, channel: chat, signed_in: [cem], offered_to: cem }
        """) == [])
  }

  @Test("One that does not names the line, what happens instead, and why")
  func fail() throws {
    #expect(
      try findings(
        """
              - { name: x, needs: { es: 50 }, signed_in: [ana, cem], offered_to: cem }
              - { name: y, needs: { es: 50 }, signed_in: [ben], offered_to: ben }
              - { name: z, signed_in: [ben], offered_to: nobody }
              - { name: w, waited: 6m, signed_in: [ben], offered_to: ben }
        """) == [
          "site.yaml:7:74: example “x”: the contact is not offered to `cem`, it is offered to `ana`; `cem` takes no voice",
          "site.yaml:8:69: example “y”: the contact is not offered to `ben`, nobody is offered it; `ben` lacks `es`",
          "site.yaml:9:50: example “z”: the contact does not keep waiting, it is offered to `ben`",
          "site.yaml:10:62: example “w”: the contact is not offered to `ben`, it has left by then: timedOut",
        ])
  }

  @Test("Unknown agents, skills and channels are refused before anything runs")
  func refused() throws {
    let findings = try findings(
      """
            - { name: x, needs: { fr: 50 }, signed_in: [anna], offered_to: ana }
            - { name: y, channel: chat, signed_in: [ben], offered_to: ana }
      """)
    #expect(findings.contains { $0.contains("nobody has the skill `fr`") })
    #expect(findings.contains { $0.contains("no agent is called `anna`") && $0.contains("ana") })
    #expect(findings.contains { $0.contains("`ana` is expected and not `signed_in`") })
  }
}
