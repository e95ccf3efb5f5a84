import Glibc

/// Has the calling thread give way to others: 10 steps nicer. On Linux a thread has a niceness of its own.
package func lowerThreadPriority() { _ = nice(10) }
