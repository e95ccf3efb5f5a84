import CALSA
import Glibc
import Linux
import Sensing
import Synchronization
import Vocabulary

/// A microphone whose sound is a hum in real time, and whose driver does what its script says.
package struct ScriptedMicrophone: Sendable {
  package let driver: Driver
  package let calls: MicrophoneCalls

  private final class Sound: Sendable {
    /// By handle: when it was opened, and how many samples of it were taken.
    let opened = Mutex<[Int: (start: Int64, taken: Int)]>([:])
    /// By handle: the name it was opened by, and its channels.
    let named = Mutex<[Int: (name: String, channels: Int)]>([:])
  }

  package init(_ driver: Driver, rate: Int) {
    self.driver = driver
    let sound = Sound()
    @Sendable func key(_ pcm: OpaquePointer) -> Int { Int(bitPattern: pcm) }
    @Sendable func available(_ pcm: OpaquePointer) -> Int {
      let script = driver.state.withLock { state in
        state.counts.reads += 1
        return state.script
      }
      switch script.data {
      case .readyAndEmpty, .silent: return 0
      case .fails(let code): return -Int(code)
      case .hangs:
        driver.hang()
        return 0
      case .flows: break
      }
      guard let (start, taken) = sound.opened.withLock({ $0[key(pcm)] }) else { return -Int(EBADF) }
      let time = bootTimeNanoseconds() - start - script.firstDataAfter.count
      let there = Int(time / 1_000 * Int64(rate) / 1_000_000) - taken
      // A period of 20 ms at a time, as hardware does.
      return there >= rate / 50 ? min(there, 4_000) : 0
    }
    calls = MicrophoneCalls(
      open: { name, pcm in
        let code = driver.go(driver.script.open)
        if code != 0 { return code }
        let handle = driver.state.withLock { state in
          state.counts.opens += 1
          return state.counts.opens
        }
        sound.opened.withLock { $0[handle * 16] = (bootTimeNanoseconds(), 0) }
        sound.named.withLock { $0[handle * 16] = (name, 1) }
        pcm = OpaquePointer(bitPattern: handle * 16)
        return 0
      },
      configure: { pcm, _, channels in
        sound.named.withLock { named in
          if driver.script.needsConversion, named[key(pcm)]?.name.hasPrefix("plug:SLAVE='") != true {
            return .lacks("these samples")
          }
          named[key(pcm)]?.channels = channels
          return .accepted
        }
      },
      start: { pcm in
        let code = driver.go(driver.script.start)
        if code != 0 { return code }
        driver.state.withLock { $0.counts.starts += 1 }
        sound.opened.withLock { $0[key(pcm)] = (bootTimeNanoseconds(), 0) }
        return 0
      },
      stop: { _ in
        driver.state.withLock { $0.counts.stops += 1 }
        return 0
      },
      close: { pcm in
        _ = driver.go(driver.script.close)
        _ = sound.opened.withLock { $0.removeValue(forKey: key(pcm)) }
        driver.state.withLock { $0.counts.closes += 1 }
      },
      descriptorCount: { _ in 1 },
      fill: { _, descriptors in descriptors[0] = readable(driver.descriptor) },
      events: { _, _, events in
        events = UInt16(POLLIN)
        return 0
      },
      state: { _ in SND_PCM_STATE_RUNNING },
      available: { available($0) },
      timestamp: { _, _, _ in -ENOSYS },
      read: { pcm, samples, count in
        guard let samples else { return -Int(EINVAL) }
        return sound.opened.withLock { opened in
          let taken = opened[key(pcm)]?.taken ?? 0
          // Channel 1 is the hum; each further one is 1 louder.
          let channels = sound.named.withLock { $0[key(pcm)]?.channels ?? 1 }
          for i in 0..<count * channels {
            let hum = Int16(((taken + i / channels) % 80 - 40) * 200) + Int16(i % channels)
            samples[i] = driver.script.constant ?? hum
          }
          opened[key(pcm)]?.taken = taken + count
          return count
        }
      },
      recover: { _, code in code })
  }
}
