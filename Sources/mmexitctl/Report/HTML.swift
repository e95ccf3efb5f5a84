/// Pieces of a page. Every text that comes from a ledger goes through `text`.
enum HTML {
  /// As HTML shows it: no markup of its own, and nothing that turns the direction of writing.
  static func text(_ text: String) -> String {
    var result = ""
    for character in text.printable.unicodeScalars {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }

  /// A table, its first column a heading, the others numbers or text. Cells are HTML.
  static func table(_ header: [String], _ rows: [[String]], isText: Bool = false) -> String {
    let kind = isText ? "" : " class=\"n\""
    let head = header.enumerated().map { "<th scope=\"col\"\($0 == 0 ? "" : kind)>\($1)</th>" }.joined()
    let body = rows.map { row in
      "<tr><th scope=\"row\">\(row[0])</th>" + row.dropFirst().map { "<td\(kind)>\($0)</td>" }.joined()
        + "</tr>\n"
    }.joined()
    return
      "<div class=\"wide\"><table><thead><tr>\(head)</tr></thead><tbody>\n\(body)</tbody></table></div>\n"
  }

  /// The same figures in text, for whoever does not see the drawing.
  static func details(_ summary: String, _ content: String) -> String {
    "<details><summary>\(summary)</summary>\n\(content)</details>\n"
  }

  static func section(_ title: String, _ explanation: String, _ content: String) -> String {
    "<section><h2>\(title)</h2><p>\(explanation)</p>\n\(content)</section>\n"
  }

  /// Light and dark by what the reader's system says; one column on a phone.
  static let style = """
    :root { color-scheme: light dark; --ground: #fbfbf9; --card: #ffffff; --ink: #1c2126; --soft: #59636e; --line: #d9dde1;
      --c0: #1f6fb2; --c1: #c2570c; --c2: #2f7d4f; --c3: #7b4bb0; --c4: #a3244e; --c5: #7a6a00; --shared: #8a939c; --mark: #b00020; }
    @media (prefers-color-scheme: dark) { :root { --ground: #14171a; --card: #1d2126; --ink: #e6e9ec; --soft: #a4adb6;
      --line: #363d45; --c0: #62a8e5; --c1: #f0934d; --c2: #6cc08e; --c3: #b594e3; --c4: #e8799b; --c5: #d3bf4a; --shared: #77818b; --mark: #ff7a85; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
    main { max-width: 64rem; margin: 0 auto; padding: 1rem; }
    h1 { font-size: 1.5rem; margin: .5rem 0 0; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin: 0; } h3 { font-size: 1rem; margin: 0; }
    p { margin: .25rem 0 .75rem; color: var(--soft); }
    section, .tiles > div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; }
    section { margin: 1rem 0; }
    .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 1rem 0; padding: 0; }
    .tiles dt { color: var(--soft); font-size: .85rem; } .tiles dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
    .tiles small { display: block; font-size: .8rem; color: var(--soft); }
    .key { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; margin: 0 0 .5rem; padding: 0; font-size: .9rem; }
    .key i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .4em; vertical-align: -.05em; }
    .plot { display: grid; grid-template-columns: auto 1fr; gap: 0 .5rem; font-size: .8rem; color: var(--soft); font-variant-numeric: tabular-nums; }
    .plot svg { display: block; width: 100%; height: 12rem; border-left: 1px solid var(--line); border-bottom: 1px solid var(--line); }
    .plot.row svg { height: 2.2rem; } .plot.row { grid-template-columns: 7rem 1fr; align-items: center; margin-bottom: .35rem; }
    .y, .x { display: flex; justify-content: space-between; } .y { flex-direction: column; text-align: right; }
    .x { grid-column: 2; gap: 1rem; } .name { overflow-wrap: anywhere; color: var(--ink); }
    .small { display: grid; grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); gap: 1rem; } .small .plot svg { height: 6rem; }
    figure { margin: 0 0 .5rem; } summary { cursor: pointer; color: var(--c0); }
    .wide { overflow-x: auto; margin-bottom: 1rem; } table { border-collapse: collapse; font-size: .9rem; min-width: 50%; }
    th, td { text-align: left; padding: .2rem .75rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: break-word; }
    thead th { color: var(--soft); font-weight: 500; } thead th.n { text-align: right; } tbody th { font-weight: 500; min-width: 6rem; } .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
    footer { color: var(--soft); font-size: .85rem; margin: 1rem 0 2rem; }
    """
}
