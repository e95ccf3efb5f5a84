/// `withUnsafeTemporaryAllocation` with typed throws, which Swift's library has from 6.3 on only: the one that programs for
/// arm64 are linked with (tools/cross) is older.
package func withTemporaryMemory<T, R, E: Error>(
  of type: T.Type, capacity: Int, _ body: (UnsafeMutableBufferPointer<T>) throws(E) -> R
) throws(E) -> R {
  let result: Result<R, E> = withUnsafeTemporaryAllocation(of: type, capacity: capacity) { memory in
    do throws(E) { return .success(try body(memory)) } catch { return .failure(error) }
  }
  return try result.get()
}
