import Vocabulary

/// Labelled windows in files: `label,<modality>,...`, one window a row, paths relative to the manifest, an empty
/// cell for a missing modality.
package struct Manifest: Sendable {
  package struct Window: Sendable {
    /// Line in the manifest, from 1.
    package let line: Int
    /// Index of the class.
    package let label: Int
    /// A path for each of the model's modalities, nil where it is missing.
    package let files: [String?]
  }
  package let windows: [Window]

  /// Above this the file is taken for a wrong one.
  package static let maximumBytes = 256 * 1_048_576

  /// - Parameters:
  ///   - folder: what relative paths start from, with a trailing slash or empty.
  ///   - modalities: the model's modalities in order; a column each, in any order. A modality without a column is
  ///     missing throughout; a column that is no modality is an error.
  package init(
    _ text: [UInt8], file: String, folder: String, modalities: [String], classes: [String]
  ) throws(EvaluationError) {
    let table: CSVTable
    do {
      table = try CSVTable(text)
    } catch {
      throw EvaluationError(.manifest, file, line: error.line, error.message)
    }
    let columns = try Self.columns(of: table, file: file, modalities: modalities)
    guard !table.rows.isEmpty else {
      throw EvaluationError(.manifest, file, line: 1, "has a header and no windows; add a row for each")
    }
    let labels = Dictionary(
      classes.enumerated().map { (BytewiseText($1), $0) }, uniquingKeysWith: { first, _ in first })
    var windows: [Window] = []
    windows.reserveCapacity(table.rows.count)
    for row in table.rows {
      guard let label = labels[BytewiseText(row.cells[0])] else {
        throw EvaluationError(
          .manifest, file, line: row.line,
          "the label '\(row.cells[0])' is not a class of the model; its classes are \(classes.joined(separator: ", "))"
        )
      }
      let files = columns.map { column -> String? in
        guard let column, !row.cells[column].isEmpty else { return nil }
        return row.cells[column].utf8.first == UInt8(ascii: "/")
          ? row.cells[column] : folder + row.cells[column]
      }
      guard files.contains(where: { $0 != nil }) else {
        throw EvaluationError(.manifest, file, line: row.line, "names no file at all; give at least one")
      }
      windows.append(Window(line: row.line, label: label, files: files))
    }
    self.windows = windows
  }

  private static func columns(
    of table: CSVTable, file: String, modalities: [String]
  ) throws(EvaluationError) -> [Int?] {
    guard table.header.first == "label" else {
      throw EvaluationError(
        .manifest, file, line: 1, "the first column is '\(table.header.first ?? "")' and must be 'label'")
    }
    var columns = [Int?](repeating: nil, count: modalities.count)
    for (column, name) in table.header.enumerated().dropFirst() {
      guard let modality = modalities.firstIndex(bytesOf: name) else {
        throw EvaluationError(
          .manifest, file, line: 1,
          "the column '\(name)' is not a modality of the model; it has \(modalities.joined(separator: ", "))")
      }
      guard columns[modality] == nil else {
        throw EvaluationError(.manifest, file, line: 1, "the column '\(name)' stands there twice; keep one")
      }
      columns[modality] = column
    }
    return columns
  }
}
