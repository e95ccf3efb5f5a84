import CLinux

/// Lets this process open at least `count` files, as far as its hard limit goes. A shell gives 1,024, which is
/// fewer than the clients a daemon may serve. Failing changes nothing: the limit stays what it was.
package func raiseOpenFileLimit(to count: Int) {
  _ = mmx_raise_open_files(UInt64(count))
}
