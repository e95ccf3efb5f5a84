import Linux
import Vocabulary

/// The sensors of one daemon and the clock they live on: real devices (`DeviceRig`) or a recording on a virtual
/// clock (`ReplayRig`). One thread, the pipeline's, makes all calls; other threads may ring the `bell` only.
///
/// Nothing is delivered that was not asked for, so a microphone that fills its ring wakes nobody: ask by
/// `requestSound` and `requestFrame`, wait by `next`, fetch by `copySound` and `withFrame`.
package protocol SensorRig: AnyObject, SendableMetatype {
  /// In the order of the sensor numbers.
  var configurations: [SensorConfiguration] { get }

  /// CLOCK_BOOTTIME, or the virtual clock, which stands still between two calls of `next`.
  var now: Instant { get }

  /// Rung by any thread to make `next` return `.interrupted`.
  var bell: Bell { get }

  /// Makes ready; every sensor is asleep after it. Called once.
  /// - Throws: what makes the whole rig useless. A sensor that is not there is not that: it fails when woken.
  func start() throws(SensingError)

  /// Puts all to sleep, closes all and waits for the threads, half a second at most. No call but `state` and
  /// `counters` after it.
  /// - Returns: by name, the threads that hang in a driver and were left to themselves.
  @discardableResult func stop() -> [String]

  func state(of sensor: Int) -> SensorState

  /// The one line for people about the fault a failed sensor has; nil while it has none.
  func failure(of sensor: Int) -> SensingError?

  func counters(of sensor: Int) -> SensorCounters

  /// Asks a sensor to wake. No effect while it is waking or awake, nor on a failed one whose backoff (1 s after
  /// the first fault, doubled by each, at most 60 s; 15 s at least while its driver hangs) is not over: ask again
  /// later. A failed one stays failed until it delivers. Who has not delivered within `wakeLimit` fails.
  /// - Returns: the state after it.
  @discardableResult func wake(_ sensor: Int) -> SensorState

  /// Puts a sensor to sleep: its device is closed, or rests as its `SleepMode` says. A failed one stays failed. Drops its requests.
  func sleep(_ sensor: Int)

  /// Asks for one `.sound` event once sound up to `end` is there (at once if it is). Replaces the sensor's earlier
  /// request; a sleep or a fault drops it. Without effect on a sensor that is neither waking nor awake.
  func requestSound(_ sensor: Int, until end: Instant)

  /// Asks for one `.frame` event once there is a settled frame captured at `earliest` or later (at once if there
  /// is). Replaces the sensor's earlier request; a sleep or a fault drops it. Without effect on a sensor that
  /// is neither waking nor awake.
  func requestFrame(_ sensor: Int, notBefore earliest: Instant)

  /// Closes a sleeping sensor's device whatever its `SleepMode`, and asks for one `.closed` event once it is closed (at once if it
  /// is), so that another program may open it. A wake drops the request.
  func requestClosed(_ sensor: Int)

  /// Waits until the bell is rung, a minute at most, with every sensor asleep. In a replay time stands still meanwhile.
  func rest()

  /// Waits for the next event, at most until `deadline`; in a replay this moves the virtual clock.
  func next(until deadline: Instant?) -> SensorEvent

  /// Copies the sound that ends at `end` into the whole of the buffer, oldest sample first.
  /// - Parameter hop: it begins a whole number of so many samples after the sensor's first one since its wake, and ends up
  ///   to one less than that earlier; 1 or more.
  func copySound(
    _ sensor: Int, endingAt end: Instant, every hop: Int, into buffer: UnsafeMutableBufferPointer<Int16>
  ) -> SoundExtract

  /// The newest settled frame; nil when there is none (asleep, waking, failed). The pixels hold for the call only.
  func withFrame<R>(_ sensor: Int, _ body: (_ pixels: PixelView, _ captured: Instant) -> R) -> R?
}

extension SensorRig {
  /// Copies the sound that ends at `end`, to the sample.
  package func copySound(
    _ sensor: Int, endingAt end: Instant, into buffer: UnsafeMutableBufferPointer<Int16>
  ) -> SoundExtract {
    copySound(sensor, endingAt: end, every: 1, into: buffer)
  }

  /// Waits for the bell, which it leaves rung; a minute at most.
  package func rest() {
    let limit = bootTimeNanoseconds() + Nanoseconds.seconds(60).count
    // A poll that fails looks like a bell: the caller looks at what there is, and rests again.
    _ = try? pollUntil(limit, readable: bell.number)
    _ = bell.clear()
  }
}
