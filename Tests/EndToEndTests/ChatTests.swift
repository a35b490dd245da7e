import Foundation
import TestBrowser
import Testing

extension EndToEnd {
  /// A visitor in headless Chromium and an agent at the console's lines.
  @Suite("A chat", .enabled(if: Peers.have("chromium", "chromedriver"))) struct ChatTests {
    @Test("A visitor on the demo page and an agent at the console chat, and the contact is in the report")
    func demoPage() async throws {
      let site = try await RunningSite(
        .forTest(5),
        yaml: """
          entries:
            "web:demo": { queue: support, channels: [chat] }
          queues:
            support: { channels: [chat], ring: 60s, wrap_up: { default: 60s, codes: [solved, other] } }
          agents:
            amina: { name: Amina Berg, phone: none, queues: [support], token_file: amina.token }

          """,
        files: ["amina.token": RunningSite.agentToken], arguments: ["--demo"])
      let console = try await site.console(token: RunningSite.agentToken)

      let browser = try await Browser()
      try await browser.go(to: "http://127.0.0.1:\(site.ports.http)/demo")
      #expect(await browser.waits(for: "return !!document.querySelector('switchboard-call').shadowRoot"))
      try await browser.run("\(Self.root).querySelector('.launcher').click()")
      #expect(await browser.waits(for: "return !!\(Self.root).querySelector('textarea')"))
      try await browser.write("Where is my parcel?")

      #expect(await console.says("OFFER: "), "\(console.text)")
      console.type("a")
      #expect(await console.says("Where is my parcel?"), "\(console.text)")
      console.type("i On its way to you.")
      #expect(await browser.waits(for: Self.log(holds: "On its way to you.")), "\(console.text)")
      try await browser.write("Thank you!")
      #expect(await console.says("Thank you!"), "\(console.text)")
      // A reload keeps the conversation.
      try await browser.reload()
      #expect(await browser.waits(for: Self.log(holds: "On its way to you.")))
      console.type("e")
      #expect(await browser.waits(for: "return !!\(Self.root).querySelector('.card .button')"), "\(console.text)")
      #expect(await console.says(" wrap_up chat"), "\(console.text)")
      console.type("w solved")
      let wrappedUp = await eventually(within: 10) {
        (try? site.report("contacts"))?.first?["code"] as? String == "solved"
      }
      let contacts = try site.report("contacts")
      #expect(wrappedUp, "\(contacts)\n\(console.text)")
      #expect(contacts.count == 1)
      #expect(contacts.first?["outcome"] as? String == "answered", "\(contacts)")
      #expect(contacts.first?["channel"] as? String == "chat")
      console.type("q")
      #expect(await console.ends(within: 10) == 0)
      await browser.stop()
      await site.stop()
    }

    static let root = "document.querySelector('switchboard-call').shadowRoot"

    static func log(holds text: String) -> String {
      "return !!\(root)?.querySelector('[role=log]')?.textContent.includes('\(text)')"
    }
  }
}

extension Browser {
  /// Types a message into the open chat and sends it.
  func write(_ text: String) async throws {
    try await run(
      """
      const field = \(EndToEnd.ChatTests.root).querySelector('textarea');
      field.value = arguments[0];
      field.dispatchEvent(new Event('input', { bubbles: true }));
      field.form.requestSubmit();
      """, [text])
  }
}
