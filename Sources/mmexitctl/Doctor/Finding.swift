import JSON

/// What `doctor` found of one thing.
struct Finding {
  enum Grade: String { case ok, warning, wrong }

  var grade: Grade
  /// What was looked at: "camera", "disk".
  var check: String
  var what: String
  /// The file, device or setting.
  var place: String
  /// A command to type, or the line to write.
  var fix: String?

  var json: JSONObject {
    var object: JSONObject = [
      "grade": .string(grade.rawValue), "check": .string(check), "what": .string(what),
      "where": .string(place),
    ]
    if let fix { object.append("fix", .string(fix)) }
    return object
  }

  func show() {
    func padded(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(0, width - text.utf8.count))
    }
    Output.line("\(padded(grade.rawValue, 8)) \(padded(check, 14)) \(place): \(what)")
    if let fix { Output.line("\(padded("", 8)) fix            \(fix)") }
  }
}

/// Gathers findings.
struct Findings {
  private(set) var all: [Finding] = []

  mutating func ok(_ check: String, _ place: String, _ what: String) {
    all.append(Finding(grade: .ok, check: check, what: what, place: place))
  }

  mutating func warn(_ check: String, _ place: String, _ what: String, fix: String?) {
    all.append(Finding(grade: .warning, check: check, what: what, place: place, fix: fix))
  }

  mutating func wrong(_ check: String, _ place: String, _ what: String, fix: String?) {
    all.append(Finding(grade: .wrong, check: check, what: what, place: place, fix: fix))
  }

  func count(_ grade: Finding.Grade) -> Int { all.count { $0.grade == grade } }
}
