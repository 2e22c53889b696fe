// SPDX-License-Identifier: Apache-2.0

// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The functions have the C names of their slots, so that one search finds every twin.

// Kernels bound by memory, in Swift SIMD. Their twins are in CKernels/ref.

import CResNetKernels

extension UnsafeRawPointer {
  @inline(__always)
  fileprivate func vector<V: SIMD>(_ offset: Int, as type: V.Type) -> V {
    (self + offset).loadUnaligned(as: type)
  }
}

/// The maximum of a 3×3 window, with stride 2, over vectors of a whole channel block.
///
/// `greater` takes the maximum of each lane. It comes from the caller, where the vector type is
/// concrete: only there does a comparison become one instruction.
@inline(__always)
private func maximumRow<V: SIMD>(_ a: rn_maxpool_args, _ greater: (V, V) -> V) {
  let pixel = Int(a.channels) * MemoryLayout<V.Scalar>.stride
  for x in 0..<Int(a.output_width) {
    var offset = 0
    while offset < pixel {
      let start = 2 * x * pixel + offset
      var greatest = a.rows.0!.vector(start, as: V.self)
      for column in 0..<3 {
        let place = start &+ column &* pixel
        greatest = greater(greatest, a.rows.0!.vector(place, as: V.self))
        greatest = greater(greatest, a.rows.1!.vector(place, as: V.self))
        greatest = greater(greatest, a.rows.2!.vector(place, as: V.self))
      }
      (a.output + x * pixel + offset).storeBytes(of: greatest, as: V.self)
      offset += MemoryLayout<V>.size
    }
  }
}

func rn_maxpool_q8_swiftsimd(_ arguments: UnsafePointer<rn_maxpool_args>?) {
  maximumRow(arguments!.pointee) { (a: SIMD16<UInt8>, b) in a.replacing(with: b, where: b .> a) }
}

func rn_maxpool_f32_swiftsimd(_ arguments: UnsafePointer<rn_maxpool_args>?) {
  maximumRow(arguments!.pointee) { (a: SIMD16<Float>, b) in a.replacing(with: b, where: b .> a) }
}

/// Sums all pixels of one channel block; `row` is in bytes.
@inline(__always)
private func sumPixels<V: SIMD, Sum: SIMD>(
  _ a: rn_avgpool_args, _ block: Int, as type: V.Type, from zero: Sum,
  adding add: (inout Sum, V) -> Void
) -> Sum {
  let size = MemoryLayout<V.Scalar>.stride
  var sum = zero
  for y in 0..<Int(a.height) {
    var pixel = a.input + (y * a.input_row + block) * size
    for _ in 0..<Int(a.width) {
      add(&sum, pixel.vector(0, as: type))
      pixel += Int(a.channels) * size
    }
  }
  return sum
}

func rn_avgpool_q8_swiftsimd(_ arguments: UnsafePointer<rn_avgpool_args>?) {
  let a = arguments!.pointee
  for block in stride(from: 0, to: Int(a.channels), by: 16) {
    let sum = sumPixels(a, block, as: SIMD16<UInt8>.self, from: SIMD16<UInt32>.zero) {
      $0 &+= SIMD16<UInt32>(truncatingIfNeeded: $1)
    }
    let zeros = a.zero * Int32(a.height * a.width)
    let features = SIMD16<Float>(SIMD16<Int32>(truncatingIfNeeded: sum) &- zeros) * a.multiplier
    UnsafeMutableRawPointer(a.features + block).storeBytes(of: features, as: SIMD16<Float>.self)
  }
}

func rn_avgpool_f32_swiftsimd(_ arguments: UnsafePointer<rn_avgpool_args>?) {
  let a = arguments!.pointee
  for block in stride(from: 0, to: Int(a.channels), by: 16) {
    let sum = sumPixels(a, block, as: SIMD16<Float>.self, from: SIMD16<Float>.zero) { $0 += $1 }
    UnsafeMutableRawPointer(a.features + block).storeBytes(
      of: sum * a.multiplier, as: SIMD16<Float>.self)
  }
}

func rn_input_q8_swiftsimd(_ arguments: UnsafePointer<rn_input_args>?) {
  let a = arguments!.pointee
  a.output.copyMemory(from: a.rgb!, byteCount: 3 * Int(a.width))
}
