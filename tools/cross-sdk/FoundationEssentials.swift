// What swift-argument-parser wants of FoundationEssentials, which no other compiler's interface files bring to arm64
// (tools/cross). Its one use of an encoder is '--experimental-dump-help'; that prints nothing in such a program.

public protocol LocalizedError: Error {
  var errorDescription: String? { get }
}

public struct Data: Sendable {
  init() {}
}

public struct NoEncoder: Error {}

public final class JSONEncoder {
  public struct OutputFormatting: OptionSet, Sendable {
    public let rawValue: UInt
    public init(rawValue: UInt) { self.rawValue = rawValue }
    public static let prettyPrinted = OutputFormatting(rawValue: 1)
    public static let sortedKeys = OutputFormatting(rawValue: 2)
  }

  public var outputFormatting: OutputFormatting = []

  public init() {}

  public func encode<T: Encodable>(_ value: T) throws -> Data { throw NoEncoder() }
}

extension String {
  public enum Encoding: Sendable { case utf8 }

  public init?(data: Data, encoding: Encoding) { return nil }
}
