/// How the page looks.
enum PageStyle {
  /// A table that scrolls by itself where the page is narrow. The first columns are words.
  static func table(_ head: [String], _ rows: [[String]], words: Int) -> String {
    var html = "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table>\n<thead><tr>"
    for (column, name) in head.enumerated() {
      html += "<th scope=\"col\"\(column < words ? " class=\"word\"" : "")>\(Wording.escaped(name))</th>"
    }
    html += "</tr></thead>\n<tbody>\n"
    for row in rows {
      html += "<tr>"
      for (column, text) in row.enumerated() {
        let cell = Wording.escaped(text)
        html +=
          column == 0
          ? "<th scope=\"row\" class=\"word\">\(cell)</th>"
          : "<td\(column < words ? " class=\"word\"" : "")>\(cell)</td>"
      }
      html += "</tr>\n"
    }
    return html + "</tbody></table></div>\n"
  }

  static let css = """
    :root { color-scheme: light dark; --page: #f6f7f9; --card: #fff; --ink: #1a1d23; --soft: #59606d; --rule: #dfe3e9;
      --a: #2f6fde; --b: #0f8577; --c: #a4561a; --d: #6b54c6; --good: #17713a; --good-back: #e4f4e9; --bad: #b3261e;
      --bad-back: #fde9e7; --open: #8a5a00; --open-back: #fdf1d8; --limit: #b3261e; }
    @media (prefers-color-scheme: dark) { :root { --page: #13161b; --card: #1c2027; --ink: #e8eaee; --soft: #a3abb8;
      --rule: #343a45; --a: #7fb0ff; --b: #55cdbb; --c: #eea66b; --d: #b5a3ff; --good: #7fd99c; --good-back: #173324;
      --bad: #ff9c93; --bad-back: #43201e; --open: #f2c46d; --open-back: #3b2e12; --limit: #ff9c93; } }
    @media print { :root { color-scheme: light; --page: #fff; --card: #fff; --ink: #000; --soft: #444; --rule: #bbb;
      --a: #2f6fde; --b: #0f8577; --c: #a4561a; --d: #6b54c6; --good: #17713a; --good-back: #fff; --bad: #b3261e;
      --bad-back: #fff; --open: #8a5a00; --open-back: #fff; --limit: #b3261e; }
      details { display: none; } figure, li, tr { break-inside: avoid; } h2 { break-after: avoid; }
      .plots { grid-template-columns: 1fr 1fr !important; } body { font-size: 12px; } main { padding: 0; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--page); color: var(--ink);
      font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
    main { max-width: 70rem; margin: 0 auto; padding: 2rem 1rem 3rem; }
    article + article { margin-top: 4rem; border-top: 2px solid var(--rule); padding-top: 2rem; }
    h1 { font-size: 1.9rem; line-height: 1.2; margin: 0; } h2 { font-size: 1.2rem; margin: 0 0 .8rem; }
    .eyebrow, .span, .note, footer { color: var(--soft); } .eyebrow, .span { margin: .2rem 0; }
    .note, footer { font-size: .875rem; }
    .banner { display: flex; gap: .8rem; align-items: center; font-size: 1.25rem; font-weight: 600; margin: 1.5rem 0 0;
      padding: .9rem 1.1rem; border-radius: .6rem; border: 1px solid; }
    .pass { --tone: var(--good); --back: var(--good-back); } .fail { --tone: var(--bad); --back: var(--bad-back); }
    .inconclusive { --tone: var(--open); --back: var(--open-back); }
    .banner { color: var(--tone); background: var(--back); border-color: var(--tone); }
    .mark { flex: none; width: 1.6em; height: 1.6em; border-radius: 50%; display: grid; place-items: center;
      font-weight: 700; color: var(--card); background: var(--tone); }
    .verdicts { list-style: none; margin: .8rem 0 1.5rem; padding: 0; background: var(--card);
      border: 1px solid var(--rule); border-radius: .6rem; }
    .verdicts li { display: flex; gap: .8rem; padding: .7rem 1.1rem; }
    .verdicts li + li { border-top: 1px solid var(--rule); }
    .verdicts .mark { width: 1.4em; height: 1.4em; margin-top: .1rem; font-size: .9rem; }
    .verdicts p { margin: 0; } .verdicts strong { color: var(--tone); } .verdicts div { min-width: 0; }
    code { font: .85em ui-monospace, "DejaVu Sans Mono", Consolas, monospace;
      color: var(--soft); overflow-wrap: anywhere; }
    .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .8rem; margin: 1.5rem 0; }
    .tiles div, section { background: var(--card); border: 1px solid var(--rule); border-radius: .6rem; }
    .tiles div { padding: .7rem 1.1rem; } .tiles dt { color: var(--soft); font-size: .875rem; }
    .tiles dd { margin: 0; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; }
    section { padding: 1.1rem; margin: 1.2rem 0; }
    .scroll { overflow-x: auto; } .scroll:focus-visible, summary:focus-visible { outline: 2px solid var(--a); }
    table { border-collapse: collapse; width: 100%; font-size: .875rem; font-variant-numeric: tabular-nums; }
    th, td { padding: .4rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--rule); }
    thead th { color: var(--soft); font-weight: 500; } .word { text-align: left; } tbody th { font-weight: 600; }
    .plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr));
      gap: 1.2rem 1.5rem; }
    figure { margin: 0; min-width: 0; } figcaption { font-weight: 600; font-size: .95rem; margin-bottom: .2rem; }
    svg { display: block; width: 100%; height: auto; overflow: visible; }
    .grid { stroke: var(--rule); fill: none; } .tick { fill: var(--soft); font-size: 11.5px; text-anchor: middle; }
    @media (max-width: 34rem) { .tick { font-size: 14px; } }
    .tick.end { text-anchor: end; }
    .limit { stroke: var(--limit); stroke-dasharray: 5 4; fill: none; stroke-width: 1.4; }
    .tick.limit-word { fill: var(--limit); stroke: var(--card); stroke-width: 4px; paint-order: stroke; }
    .a { --hue: var(--a); } .b { --hue: var(--b); } .c { --hue: var(--c); } .d { --hue: var(--d); }
    .line { fill: none; stroke: var(--hue); stroke-width: 2.2; stroke-linejoin: round; stroke-linecap: round; }
    .band { fill: var(--hue); opacity: .2; }
    .area { fill: var(--hue); fill-opacity: .25; stroke: var(--hue); stroke-width: 1.6; }
    .fill { fill: var(--hue); } details { margin-top: 1rem; } summary { cursor: pointer; color: var(--soft); }
    """
}
