// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

/// Memory that ends at a page without any access, so that reading or writing past it is a crash.
package final class GuardedMemory {
  private let start: UnsafeMutableRawPointer
  /// The accessible bytes, whole pages.
  private let capacity: Int
  private static let page = 65536

  package init(capacity: Int) {
    self.capacity = (capacity + Self.page - 1) / Self.page * Self.page
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    start = mmap(nil, self.capacity + Self.page, PROT_READ | PROT_WRITE, flags, -1, 0)
    precondition(Int(bitPattern: start) != -1, "no memory")
    precondition(mprotect(start + self.capacity, Self.page, PROT_NONE) == 0)
  }

  deinit { munmap(start, capacity + Self.page) }

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
