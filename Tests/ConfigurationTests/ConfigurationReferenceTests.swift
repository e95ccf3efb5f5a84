import Testing

@testable import Configuration

/// What `--print-keys` tells is what the parser knows, no more and no less.
@Suite struct ConfigurationReferenceTests {
  private func refusal(_ text: String) throws -> String {
    let error = try #require(throws: ConfigurationError.self) {
      _ = try Configuration.parse(Array(text.utf8), file: "test.conf")
    }
    return error.message
  }

  @Test(arguments: ConfigurationReference.sections.map(\.title))
  func aSectionTellsTheKeysThatTheParserKnows(title: String) throws {
    let section = try #require(ConfigurationReference.sections.first { $0.title == title })
    let names = section.settings.map(\.name).joined(separator: ", ")
    #expect(try refusal("[\(title)]\nno-such-key = 1\n").hasSuffix("it knows \(names)"))
  }

  @Test func theSectionsAreTheParsers() throws {
    #expect(
      try refusal("[nothing]\n").hasSuffix(
        "[daemon], [gate], [energy], [ledger], [metrics], [replay], [adaptation], [events], "
          + "[event CLASS] and [sensor NAME]"))
  }

  @Test(arguments: ConfigurationReference.sections.map(\.title))
  func aDefaultReadsBackAsNothingSet(title: String) throws {
    let section = try #require(ConfigurationReference.sections.first { $0.title == title })
    let told = section.settings.filter { !$0.fresh.isEmpty }.map { "\($0.name) = \($0.fresh)\n" }
    let all = try Configuration.parse(Array("[\(title)]\n\(told.joined())".utf8), file: "/test.conf")
    let none = try Configuration.parse(Array("[\(title)]\n".utf8), file: "/test.conf")
    // Paths start at the file's folder, whoever gave them.
    #expect(all.canonical() == none.canonical())
  }

  @Test func everyKeyIsPrintedWithWhatItTakes() {
    let lines = Set(ConfigurationReference.printed.split(separator: "\n"))
    for section in ConfigurationReference.sections {
      #expect(lines.contains("[\(section.title)]"))
      #expect(!section.settings.isEmpty)
      for setting in section.settings {
        #expect(lines.contains("\(setting.name)"))
        #expect(lines.contains("  takes: \(setting.takes)"))
        #expect(lines.contains("  \(setting.help)"))
      }
    }
  }
}
