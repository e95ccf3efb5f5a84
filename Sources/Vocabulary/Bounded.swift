/// A list of at most `capacity` elements stored in place: what a decision carries without the heap.
/// Appending beyond the capacity drops the element and counts it in `dropped`, so nothing is lost silently.
package struct Bounded<let capacity: Int, Element: Sendable>: Sendable {
  @usableFromInline var storage: InlineArray<capacity, Element>
  package private(set) var count = 0
  package private(set) var dropped = 0

  /// - Parameter filler: any value; it fills the unused places and is never read back.
  package init(filler: Element) { storage = InlineArray(repeating: filler) }

  package mutating func append(_ element: Element) {
    guard count < capacity else {
      dropped += 1
      return
    }
    storage[count] = element
    count += 1
  }

  package mutating func removeAll() {
    count = 0
    dropped = 0
  }

  package var indices: Range<Int> { 0..<count }
  package var last: Element? { count == 0 ? nil : storage[count - 1] }

  package subscript(index: Int) -> Element {
    get {
      precondition(index < count, "index beyond the elements appended")
      return storage[index]
    }
    set {
      precondition(index < count, "index beyond the elements appended")
      storage[index] = newValue
    }
  }
}
