// SPDX-License-Identifier: Apache-2.0

extension UnsafeRawBufferPointer {
  @inline(__always)
  package func u32(_ offset: Int) -> UInt32 {
    UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  @inline(__always)
  package func f32(_ offset: Int) -> Float { Float(bitPattern: u32(offset)) }
}
