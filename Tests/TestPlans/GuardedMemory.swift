// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

/// Memory between pages without any access, so that reading or writing past its end, or before its start, is a
/// crash.
package final class GuardedMemory {
  private let start: UnsafeMutableRawPointer
  /// The accessible bytes, whole pages.
  private let capacity: Int
  private static let page = 65536

  package init(capacity: Int) {
    self.capacity = (capacity + Self.page - 1) / Self.page * Self.page
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    let whole = mmap(nil, self.capacity + 2 * Self.page, PROT_NONE, flags, -1, 0)!
    precondition(Int(bitPattern: whole) != -1, "no memory")
    start = whole + Self.page
    precondition(mprotect(start, self.capacity, PROT_READ | PROT_WRITE) == 0)
  }

  deinit { munmap(start - Self.page, capacity + 2 * Self.page) }

  /// The first `count` bytes, behind the guard.
  package func prefix(_ count: Int) -> UnsafeMutableRawBufferPointer {
    precondition(count <= capacity)
    return UnsafeMutableRawBufferPointer(start: start, count: count)
  }

  /// The last `count` bytes before the guard.
  package func suffix(_ count: Int) -> UnsafeMutableRawBufferPointer {
    precondition(count <= capacity)
    return UnsafeMutableRawBufferPointer(start: start + capacity - count, count: count)
  }

  /// The last bytes before the guard, filled with a copy.
  package func suffix(holding bytes: [UInt8]) -> UnsafeRawBufferPointer {
    let place = suffix(bytes.count)
    place.copyBytes(from: bytes)
    return UnsafeRawBufferPointer(place)
  }
}
