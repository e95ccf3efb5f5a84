import CLinux
import Glibc

/// Lets this process open at least `count` files, as far as its hard limit goes. A shell gives 1,024, which is
/// fewer than the clients a daemon may serve. Failing changes nothing: the limit stays what it was.
package func raiseOpenFileLimit(to count: Int) {
  _ = mmx_raise_open_files(UInt64(count))
}

/// Has the calling thread give way to others: 10 steps nicer. On Linux a thread has a niceness of its own.
package func lowerThreadPriority() { _ = nice(10) }

/// Has the heap of this process give back what was freed: one arena for all threads, and pieces of 64 KiB and more mapped
/// each by itself. A model that a reload replaces then leaves no hole behind (`tools/reloads`). Called first in `main`,
/// before there are threads; right for a program that takes nothing from its heap while it works.
package func useFrugalHeap() { mmx_frugal_heap() }

/// Gives back every whole page of the heap that is free. Takes about a millisecond, and holds up who takes from the heap
/// meanwhile: for the moment after much was freed.
package func trimHeap() { mmx_trim_heap() }

/// Takes the text and constants of the program and its libraries out of this process's resident memory: what only a start or a reload
/// needed stays out, the rest comes back from the page cache at its next use, for some hundred page faults once.
package func trimText() { mmx_trim_text() }
