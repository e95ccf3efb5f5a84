import CLinux

/// Whether the kernel holds its wall clock for synchronized (adjtimex says so without a privilege).
package func isWallClockSynchronized() -> Bool {
  var state = timex()
  // TIME_ERROR (5) is what an unsynchronized clock answers.
  let answer = adjtimex(&state)
  return answer >= 0 && answer != TIME_ERROR
}
