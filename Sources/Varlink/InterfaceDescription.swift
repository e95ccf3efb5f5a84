import JSON

/// An interface in Varlink's own language, as `GetInterfaceDescription` gives it out.
package struct InterfaceDescription: Sendable {
  package let name: String
  package let text: String
  /// Names of its methods.
  package let methods: [String]

  /// - Parameter text: begins, after comments, with `interface` and its name; every method starts a line.
  package init(_ text: String) {
    self.text = text
    var name = ""
    var methods: [String] = []
    for line in text.split(separator: "\n") {
      if line.hasPrefix("interface ") { name = String(line.dropFirst(10)) }
      if line.hasPrefix("method ") { methods.append(String(line.dropFirst(7).prefix { $0 != "(" })) }
    }
    precondition(!name.isEmpty, "an interface description names its interface")
    self.name = name
    self.methods = methods
  }
}

/// Who the service is, as `GetInfo` says it.
package struct ServiceInformation: Sendable {
  package var vendor: String
  package var product: String
  package var version: String
  package var url: String

  package init(vendor: String, product: String, version: String, url: String) {
    self.vendor = vendor
    self.product = product
    self.version = version
    self.url = url
  }
}

/// The interface that every Varlink service has (varlink.org, "Service Interface").
package enum ServiceInterface {
  package static let description = InterfaceDescription(
    """
    # The Varlink Service Interface is provided by every varlink service. It
    # describes the service and the interfaces it implements.
    interface org.varlink.service

    # Get a list of all the interfaces a service provides and information
    # about the implementation.
    method GetInfo() -> (
      vendor: string,
      product: string,
      version: string,
      url: string,
      interfaces: []string
    )

    # Get the description of an interface that is implemented by this service.
    method GetInterfaceDescription(interface: string) -> (description: string)

    # The requested interface was not found.
    error InterfaceNotFound (interface: string)

    # The requested method was not found
    error MethodNotFound (method: string)

    # The interface defines the requested method, but the service does not
    # implement it.
    error MethodNotImplemented (method: string)

    # One of the passed parameters is invalid.
    error InvalidParameter (parameter: string)

    # Client is denied access
    error PermissionDenied ()

    # Method is expected to be called with 'more' set to true, but wasn't
    error ExpectedMore ()

    """)
}

/// Errors that this server answers with whatever the interface is. Its file is
/// docs/varlink/io.mmexit.Connection.varlink.
package enum ConnectionInterface {
  package static let description = InterfaceDescription(
    """
    # Errors of a connection itself: any call may be answered with one of them. After all but
    # ReplyTooLarge the daemon closes the connection.
    interface io.mmexit.Connection

    # A message was longer than the daemon takes.
    error MessageTooLarge (limit_bytes: int)

    # A message was not a JSON object.
    error InvalidMessage (reason: string)

    # A message was begun and not ended in time.
    error MessageTimeout (limit_ms: int)

    # As many clients as the daemon serves, or serves of one user, are connected; try again later.
    error TooManyClients (limit: int)

    # The answers and requests that wait for all clients together take more memory than the daemon has for them, and
    # most of it is this client's: read the answers.
    error TooMuchWaiting (limit_bytes: int)

    # The answer is longer than the daemon sends.
    error ReplyTooLarge (limit_bytes: int)

    """)

  static func error(_ name: String, _ parameters: JSONObject) -> CallError {
    CallError("io.mmexit.Connection." + name, parameters)
  }
}
