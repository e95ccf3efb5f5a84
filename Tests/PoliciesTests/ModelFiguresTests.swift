import Scheduling
import Testing
import Vocabulary

@testable import Policies

@Suite struct WalkTests {
  @Test func firstGoesToTheFrontAndKeepsItsOrder() {
    let walk: [ExitID] = [
      .encoder(modality: 0, exit: 1), .encoder(modality: 1, exit: 1), .encoder(modality: 0, exit: 2),
      .encoder(modality: 1, exit: 2),
    ]
    #expect(walk.modalityOrder == [0, 1])
    let turned = walk.starting(with: 1)
    #expect(
      turned == [
        .encoder(modality: 1, exit: 1), .encoder(modality: 1, exit: 2), .encoder(modality: 0, exit: 1),
        .encoder(modality: 0, exit: 2),
      ])
    #expect(turned.modalityOrder == [1, 0])
  }
}
