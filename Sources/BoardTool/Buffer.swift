// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

/// Memory from malloc for a number of elements, freed with the value.
public struct Buffer<Element: BitwiseCopyable>: ~Copyable {
  /// The elements, unspecified until they are written; valid as long as this value lives.
  public let elements: UnsafeMutableBufferPointer<Element>

  /// Allocates room for `count` elements.
  ///
  /// - Throws: `outOfMemory`.
  public init(count: Int) throws(ToolFailure) {
    let bytes = max(count, 1) * MemoryLayout<Element>.stride
    guard let memory = malloc(bytes) else { throw .outOfMemory(bytes: bytes) }
    elements = UnsafeMutableBufferPointer(
      start: memory.bindMemory(to: Element.self, capacity: count), count: count)
  }

  deinit {
    free(elements.baseAddress)
  }
}
