// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetPlanFormat

/// Which input positions each output position of one axis is made of, and their weights.
///
/// A filter is stretched with the output steps (with the input steps when enlarging), cut at the
/// borders and normalized. The weights are worked out in double precision in the order of operations
/// that Pillow uses and then rounded to fixed point, so that every CPU gets Pillow's bits. No
/// multiplication is fused with an addition here: Swift does not contract. The nearest input is a
/// filter of one tap.
///
/// - **Allocates:** 4 · (2 + `stride`) bytes for each output position, freed with the value.
struct ResizeTaps: ~Copyable {
  /// Weights are in units of 2⁻²²: 8 bits of pixel and 2 bits of headroom fill the other 10.
  static var fractionBits: Int32 { 22 }

  /// The most taps one output position has.
  let stride: Int
  private let outputs: Range<Int>
  // For every output position its first input, then its number of inputs, then its weights.
  private let storage: UnsafeMutablePointer<Int32>

  /// Computes the taps of `outputs`, part of the positions 0..<`outputSize`, over inputs
  /// 0..<`inputSize`. Sizes are positive; `outputs` is not empty.
  init(
    from inputSize: Int, to outputSize: Int, outputs: Range<Int>,
    _ filter: PreprocessingRecord.Interpolation
  ) throws(ImageError) {
    let scale = Double(inputSize) / Double(outputSize)
    let stretch = max(scale, 1)
    // To either side, in input positions.
    let reach = filter.reach * stretch
    let stride = Int(reach.rounded(.up)) * 2 + 1
    guard let memory = malloc(outputs.count * (2 + stride) * MemoryLayout<Int32>.stride)
    else { throw .outOfMemory }
    self.stride = stride
    self.outputs = outputs
    storage = memory.bindMemory(to: Int32.self, capacity: outputs.count * (2 + stride))

    guard filter != .nearest else {
      fillWithNearest(scale)
      return
    }
    let inverseStretch = 1 / stretch
    let unit = Double(1 << ResizeTaps.fractionBits)
    for output in outputs {
      let center = (Double(output) + 0.5) * scale
      let first = max(Int(center - reach + 0.5), 0)
      let end = min(Int(center + reach + 0.5), inputSize)
      func weight(_ input: Int) -> Double {
        filter.weight((Double(input) - center + 0.5) * inverseStretch)
      }
      var sum = 0.0
      for input in first..<end { sum += weight(input) }
      if sum == 0 { sum = 1 }
      let entry = entry(output)
      entry[0] = Int32(first)
      entry[1] = Int32(end - first)
      for input in first..<end {
        let weight = weight(input) / sum * unit
        entry[2 + input - first] = Int32(weight < 0 ? weight - 0.5 : weight + 0.5)
      }
    }
  }

  /// Pillow adds the steps up. The sum is never off by half a step: 2¹⁴ roundings of at most 2⁻⁴⁰ are less than 2⁻¹⁵.
  private func fillWithNearest(_ scale: Double) {
    var position = scale * 0.5
    for output in 0..<outputs.upperBound {
      if outputs.contains(output) {
        let entry = entry(output)
        entry[0] = Int32(position)
        entry[1] = 1
        entry[2] = 1 << ResizeTaps.fractionBits
      }
      position += scale
    }
  }

  /// The inputs that make output position `output`.
  func inputs(of output: Int) -> Range<Int> {
    let entry = entry(output)
    return Int(entry[0])..<Int(entry[0] + entry[1])
  }

  /// The weights of `inputs(of: output)`, in sum about 2²²; their magnitudes sum up to less than 2²³.
  func weights(of output: Int) -> UnsafePointer<Int32> {
    UnsafePointer(entry(output) + 2)
  }

  private func entry(_ output: Int) -> UnsafeMutablePointer<Int32> {
    storage + (output - outputs.lowerBound) * (2 + stride)
  }

  deinit {
    free(storage)
  }
}

extension PreprocessingRecord.Interpolation {
  /// The greatest distance at which a weight is not 0.
  fileprivate var reach: Double {
    switch self {
    case .nearest: 0
    case .box: 0.5
    case .bilinear: 1
    case .bicubic: 2
    case .lanczos: 3
    }
  }

  /// The weight at a distance, by Pillow's formulas.
  fileprivate func weight(_ signedDistance: Double) -> Double {
    let x = signedDistance.magnitude
    switch self {
    case .nearest: return 1
    case .box: return signedDistance > -0.5 && signedDistance <= 0.5 ? 1 : 0
    case .bilinear: return x < 1 ? 1 - x : 0
    case .bicubic:
      if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0
    case .lanczos: return x < 3 ? sinc(x) * sinc(x / 3) : 0
    }
  }
}

/// sin(πx) / πx for 0 ≤ x < 3, to about 2⁻⁵⁰: the C library's sine may have other bits on other CPUs.
private func sinc(_ x: Double) -> Double {
  guard x != 0 else { return 1 }
  let angle = x * .pi
  let turns = x.rounded()
  let rest = angle - turns * .pi
  // The series of the sine up to rest²¹ / 21!; |rest| ≤ π / 2.
  var sum = 1.0
  var factor = 20.0
  while factor >= 2 {
    sum = 1 - rest * rest / (factor * (factor + 1)) * sum
    factor -= 2
  }
  let sine = rest * sum
  return (turns == 1 || turns == 3 ? -sine : sine) / angle
}
