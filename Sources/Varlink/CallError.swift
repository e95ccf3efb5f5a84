import JSON

/// An error as Varlink sends it: a name qualified by its interface, and parameters.
package struct CallError: Error, Equatable, Sendable, CustomStringConvertible {
  package let name: String
  package let parameters: JSONObject

  package init(_ name: String, _ parameters: JSONObject = [:]) {
    self.name = name
    self.parameters = parameters
  }

  package var description: String {
    parameters.count == 0 ? name : name + " " + JSONValue.object(parameters).text
  }

  // The errors of org.varlink.service, which every service may answer with.

  package static func interfaceNotFound(_ name: String) -> CallError {
    CallError("org.varlink.service.InterfaceNotFound", ["interface": .string(name)])
  }
  package static func methodNotFound(_ name: String) -> CallError {
    CallError("org.varlink.service.MethodNotFound", ["method": .string(name)])
  }
  /// The method is described, but this service does not do it.
  package static func methodNotImplemented(_ name: String) -> CallError {
    CallError("org.varlink.service.MethodNotImplemented", ["method": .string(name)])
  }
  package static func invalidParameter(_ name: String) -> CallError {
    CallError("org.varlink.service.InvalidParameter", ["parameter": .string(name)])
  }
  package static let permissionDenied = CallError("org.varlink.service.PermissionDenied")
  /// The method answers with a stream and must be called with `more`.
  package static let expectedMore = CallError("org.varlink.service.ExpectedMore")
}
