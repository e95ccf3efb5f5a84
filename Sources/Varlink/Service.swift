import JSON
import Vocabulary

/// What a service is made of, and what it answers by itself.
struct Service {
  private let information: ServiceInformation
  private let interfaces: [InterfaceDescription]

  init(_ information: ServiceInformation, _ interfaces: [InterfaceDescription]) {
    self.information = information
    self.interfaces = [ServiceInterface.description, ConnectionInterface.description] + interfaces
  }

  /// Answers what every service answers, and has the rest answered.
  func answer(_ call: Call, _ handler: (Call) -> Reply) -> Reply {
    guard let interface = interfaces.first(where: { $0.name.hasSameBytes(as: call.interface) }) else {
      return .error(.interfaceNotFound(call.interface))
    }
    guard interface.methods.contains(bytesOf: call.member) else {
      return .error(.methodNotFound(call.method))
    }
    guard interface.name == ServiceInterface.description.name else { return handler(call) }
    if call.member == "GetInfo" {
      let (information, names) = (information, interfaces.map(\.name))
      return .parameters({ json in information.writeMembers(names, into: &json) })
    }
    do throws(JSONError) {
      let name = try call.parameters.member("interface").string()
      guard let found = interfaces.first(where: { $0.name.hasSameBytes(as: name) }) else {
        return .error(.interfaceNotFound(name))
      }
      return .parameters({ json in
        json.key("description")
        json.value(found.text)
      })
    } catch {
      return .invalid(error)
    }
  }
}

extension ServiceInformation {
  fileprivate func writeMembers(_ interfaces: [String], into json: inout JSONWriter) {
    json.key("vendor")
    json.value(vendor)
    json.key("product")
    json.value(product)
    json.key("version")
    json.value(version)
    json.key("url")
    json.value(url)
    json.key("interfaces")
    json.beginArray()
    for name in interfaces { json.value(name) }
    json.endArray()
  }
}
