// SPDX-License-Identifier: Apache-2.0

/// Float32 memory aligned for the kernels, with room for their over-read.
package final class FloatBuffer {
  package let start: UnsafeMutablePointer<Float>
  package let count: Int

  package init(count: Int) {
    self.count = count
    let memory = UnsafeMutableRawPointer.allocate(byteCount: count * 4 + 64, alignment: 64)
    start = memory.initializeMemory(as: Float.self, repeating: 0, count: count + 16)
  }

  deinit { UnsafeMutableRawPointer(start).deallocate() }
}
