import Configuration
import Engine
import Glibc
import Linux
import Testing
import Vocabulary

@testable import Startup

/// The configurations in `config/`, with the models beside them.
@Suite struct ShippedConfigurationTests {
  private func plan(_ name: String) throws -> (Configuration, Model, PolicyPlan) {
    let folder = String(#filePath.split(separator: "/").dropLast(3).joined(separator: "/"))
    var configuration = try Configuration.parse(
      readFile("/\(folder)/config/\(name)", limit: 65536), file: name)
    // The installed one names the installed model, which is the same.
    let model = try #require(configuration.general.model.split(separator: "/").last)
    let bytes = try readFile("/\(folder)/config/models/\(model)", limit: 1 << 24)
    configuration.general.model = String(model)
    let decoded = try Model.decode(bytes)
    return (configuration, decoded, try PolicyPlan(configuration, decoded))
  }

  @Test(arguments: ["mmexitd.conf", "live.conf", "demo.conf"])
  func theMicrophoneListensAndTheCameraSleeps(_ name: String) throws {
    let (configuration, model, plan) = try plan(name)
    #expect(plan.order.map { model.modalities[$0].name } == ["audio", "image"])
    #expect(configuration.gate.order == .exact && configuration.gate.first.isEmpty)
    #expect(LookAdvice.text(configuration, model) == nil)
  }

  @Test func looksThatNeedMoreWakesThanThereAreAreToldOf() throws {
    var (configuration, model, _) = try plan("mmexitd.conf")
    configuration.gate.maximumBlind = .seconds(2)
    let text = try #require(LookAdvice.text(configuration, model))
    #expect(text.contains("max-blind = 2s") && text.contains("5300ms or more"))
    configuration.gate.wakesPerMinute = 60
    #expect(LookAdvice.text(configuration, model) == nil)
  }
}
