// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

/// Which input positions each output position of one axis is made of, and their weights.
///
/// Bilinear with antialiasing: a triangle filter as wide as two output steps (two input steps
/// when enlarging), cut at the borders and normalized. The weights are worked out in double
/// precision in the order of operations that Pillow uses and then rounded to fixed point, so that
/// every CPU gets Pillow's bits. No multiplication is fused with an addition here: Swift does not
/// contract.
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
  init(from inputSize: Int, to outputSize: Int, outputs: Range<Int>) throws(ImageError) {
    let scale = Double(inputSize) / Double(outputSize)
    // Also the reach of the filter to either side, in input positions.
    let reach = max(scale, 1)
    let stride = Int(reach.rounded(.up)) * 2 + 1
    guard let memory = malloc(outputs.count * (2 + stride) * MemoryLayout<Int32>.stride)
    else { throw .outOfMemory }
    self.stride = stride
    self.outputs = outputs
    storage = memory.bindMemory(to: Int32.self, capacity: outputs.count * (2 + stride))

    let inverseReach = 1 / reach
    for output in outputs {
      let center = (Double(output) + 0.5) * scale
      let first = max(Int(center - reach + 0.5), 0)
      let end = min(Int(center + reach + 0.5), inputSize)
      func weight(_ input: Int) -> Double {
        let distance = ((Double(input) - center + 0.5) * inverseReach).magnitude
        return distance < 1 ? 1 - distance : 0
      }
      var sum = 0.0
      for input in first..<end { sum += weight(input) }
      let entry = storage + (output - outputs.lowerBound) * (2 + stride)
      entry[0] = Int32(first)
      entry[1] = Int32(end - first)
      for input in first..<end {
        let unit = Double(1 << ResizeTaps.fractionBits)
        entry[2 + input - first] = Int32(0.5 + weight(input) / sum * unit)
      }
    }
  }

  /// The inputs that make output position `output`.
  func inputs(of output: Int) -> Range<Int> {
    let entry = entry(output)
    return Int(entry[0])..<Int(entry[0] + entry[1])
  }

  /// The weights of `inputs(of: output)`, each 0…2²², in sum about 2²².
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
