import Synchronization
import Testing

@testable import Linux

@Suite struct ThreadTests {
  private final class Box: Sendable { let text = Mutex("") }

  @Test func runsUnderItsNameAndIsWaitedFor() throws {
    let seen = Box()
    let thread = try Thread(named: "mmx-a-name-too-long") {
      let comm = (try? readFile("/proc/thread-self/comm", limit: 64)) ?? []
      seen.text.withLock { $0 = String(decoding: comm, as: UTF8.self) }
    }
    thread.join()
    #expect(seen.text.withLock { $0 } == "mmx-a-name-too-\n")
  }

  @Test func aBellWakesAPollOfAnotherThread() throws {
    let bell = try EventDescriptor()
    #expect(try !pollUntil(0, readable: bell.descriptor.number))
    let number = bell.descriptor.number
    let woken = Box()
    let thread = try Thread(named: "waiter") {
      let ready = (try? pollUntil(nil, readable: number)) ?? false
      woken.text.withLock { $0 = ready ? "ready" : "not ready" }
    }
    bell.ring()
    thread.join()
    #expect(woken.text.withLock { $0 } == "ready")
    let (first, second) = (bell.clear(), bell.clear())
    #expect(first && !second)
  }

  @Test func aPollEndsAtItsDeadlineAndNotBefore() throws {
    let bell = try EventDescriptor()
    let deadline = bootTimeNanoseconds() + 3_000_000
    #expect(try !pollUntil(deadline, readable: bell.descriptor.number))
    #expect(bootTimeNanoseconds() >= deadline)
    sleepUntil(bootTime: deadline + 2_000_000)
    #expect(bootTimeNanoseconds() >= deadline + 2_000_000)
    #expect(bootTimeOffsetOfMonotonic() >= 0)
  }
}
