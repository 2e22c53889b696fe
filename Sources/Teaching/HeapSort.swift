// SPDX-License-Identifier: Apache-2.0

/// Sorts elements where they are, by heap sort: it needs no memory and never takes quadratic time.
///
/// - Parameter isBefore: a strict order; elements that it does not tell apart come in any order.
func heapSort<Element>(
  _ elements: UnsafeMutableBufferPointer<Element>, _ isBefore: (Element, Element) -> Bool
) {
  func sink(_ start: Int, _ end: Int) {
    var parent = start
    while 2 * parent + 1 < end {
      var child = 2 * parent + 1
      if child + 1 < end, isBefore(elements[child], elements[child + 1]) { child += 1 }
      guard isBefore(elements[parent], elements[child]) else { return }
      elements.swapAt(parent, child)
      parent = child
    }
  }
  let count = elements.count
  for start in stride(from: count / 2 - 1, through: 0, by: -1) { sink(start, count) }
  for end in stride(from: count - 1, to: 0, by: -1) {
    elements.swapAt(0, end)
    sink(0, end)
  }
}
