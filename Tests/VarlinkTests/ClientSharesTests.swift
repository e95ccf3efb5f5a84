import Linux
import Testing

@testable import Varlink

@Suite struct ClientSharesTests {
  private let limits = VarlinkLimits()

  private func peer(_ user: UInt32, _ process: Int32) -> PeerCredentials {
    PeerCredentials(process: process, user: user, group: user)
  }

  /// Takes places for peers, one after the other and again, until none of them gets one more.
  private func fill(_ shares: inout ClientShares, _ clients: inout Int, _ peers: [PeerCredentials]) {
    var went = true
    while went {
      went = false
      for peer in peers where shares.bound(on: peer, clients, limits) == nil {
        shares.add(peer)
        clients += 1
        went = true
      }
    }
  }

  @Test func oneProgramLeavesPlacesToOthersOfItsUser() {
    var (shares, clients) = (ClientShares(owner: 990), 0)
    fill(&shares, &clients, [peer(0, 7)])
    #expect(clients == 1000)
    #expect(shares.bound(on: peer(0, 7), clients, limits)?.limit == limits.clientsOfProcess)
    #expect(shares.bound(on: peer(0, 8), clients, limits) == nil)
    #expect(shares.bound(on: peer(1000, 9), clients, limits) == nil)
  }

  @Test func oneUserOfManyProgramsLeavesPlaces() {
    var (shares, clients) = (ClientShares(owner: 990), 0)
    fill(&shares, &clients, (1...50).map { peer(1000, $0) })
    #expect(clients == limits.clientsOfUser(privileged: false))
    #expect(shares.bound(on: peer(1001, 99), clients, limits) == nil)
  }

  @Test func allUsersTogetherLeavePlacesToRootAndTheDaemonsUser() {
    var (shares, clients) = (ClientShares(owner: 990), 0)
    fill(&shares, &clients, (1...50).map { peer(1000 + UInt32($0), $0) })
    #expect(clients == limits.clientsOfOthers && clients < limits.clients)
    #expect(shares.bound(on: peer(2000, 99), clients, limits)?.limit == limits.clientsOfOthers)
    #expect(shares.bound(on: peer(0, 99), clients, limits) == nil)
    #expect(shares.bound(on: peer(990, 98), clients, limits) == nil)
  }

  @Test func whoGoesMakesRoom() {
    var (shares, clients) = (ClientShares(owner: 990), 0)
    fill(&shares, &clients, [peer(1000, 5)])
    #expect(shares.bound(on: peer(1000, 5), clients, limits) != nil)
    for _ in 0..<clients { shares.remove(peer(1000, 5)) }
    #expect(shares.bound(on: peer(1000, 5), 0, limits) == nil)
  }

  /// Programs of another PID namespace all have number 0.
  @Test func strangersAreNotOneProgram() {
    var (shares, clients) = (ClientShares(owner: 990), 0)
    fill(&shares, &clients, [peer(0, 0)])
    #expect(clients == limits.clientsOfUser(privileged: true))
  }
}
