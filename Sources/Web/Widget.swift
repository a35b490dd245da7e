/// The files of the widget, the agent's phone page and the demo page, compiled into the program.
enum Widget {
  struct File: Sendable {
    var path: String
    var type: String
    var bytes: [UInt8]
  }

  private static let script = "text/javascript; charset=utf-8"

  /// The loader first; it loads the rest when the button is pressed.
  static let files = [
    File(path: "/switchboard.js", type: script, bytes: PackageResources.switchboard_js),
    File(path: "/switchboard/widget.js", type: script, bytes: PackageResources.widget_js),
    File(path: "/switchboard/states.js", type: script, bytes: PackageResources.states_js),
    File(path: "/switchboard/words.js", type: script, bytes: PackageResources.words_js),
    File(path: "/switchboard/call.js", type: script, bytes: PackageResources.call_js),
    File(path: "/switchboard/chat.js", type: script, bytes: PackageResources.chat_js),
    File(path: "/switchboard/media.js", type: script, bytes: PackageResources.media_js),
    File(path: "/switchboard/link.js", type: script, bytes: PackageResources.link_js),
    File(path: "/switchboard/dom.js", type: script, bytes: PackageResources.dom_js),
    File(path: "/switchboard/style.js", type: script, bytes: PackageResources.style_js),
    File(path: "/switchboard/en.js", type: script, bytes: PackageResources.en_js),
    File(path: "/switchboard/de.js", type: script, bytes: PackageResources.de_js),
    File(path: "/switchboard/icon.svg", type: "image/svg+xml", bytes: PackageResources.icon_svg),
    File(path: "/switchboard/demo.css", type: "text/css; charset=utf-8", bytes: PackageResources.demo_css),
  ]

  /// What the agent's phone page needs beside files of the widget.
  static let phoneFiles = [
    File(path: "/switchboard/phone.js", type: script, bytes: PackageResources.phone_js),
    File(path: "/switchboard/desk.js", type: script, bytes: PackageResources.desk_js),
    File(path: "/switchboard/ringer.js", type: script, bytes: PackageResources.ringer_js),
    File(path: "/switchboard/phone.css", type: "text/css; charset=utf-8", bytes: PackageResources.phone_css),
  ]

  static let phonePage = String(decoding: PackageResources.phone_html, as: UTF8.self)

  static func demoPage(_ demo: DemoPage) -> String {
    let entry = demo.entry.hasPrefix("web:") ? String(demo.entry.dropFirst(4)) : demo.entry
    return String(decoding: PackageResources.demo_html, as: UTF8.self)
      .replacing("{{entry}}", with: escaped(entry))
      .replacing("{{console}}", with: escaped(demo.consoleCommand))
      .replacing("{{call}}", with: demo.callAddress.map { escaped($0) } ?? "")
      .replacing("{{call-hidden}}", with: demo.callAddress == nil ? "hidden" : "")
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
  }
}
