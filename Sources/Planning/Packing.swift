// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
package import ResNetModelGraph
import ResNetPlanFormat

/// Where kernels read the weights of a layer: `[oc/16][row][run/group][16 oc][group]`.
///
/// A run has the stored input channels of all columns, one column after the other, and is padded to whole
/// groups. The classifier is a 1×1 convolution: `[out/16][in][16 out]`. With groups or dilation the layout is that of
/// `rn_grouped_index_q8` and `rn_grouped_index_float`.
struct WeightLayout {
  private let outputs, inputs, storedInputs, kernelSize, group: Int
  /// The stored channels of a group of the kernels for groups and dilation; nil for the others.
  private let groupWidth: Int?

  /// - Parameters:
  ///   - storedInputs: the channels stored in the input.
  ///   - group: 4 for int8 weights of convolutions, else 1.
  fileprivate init(_ shape: Convolution, storedInputs: Int, group: Int) {
    outputs = shape.outputChannels
    inputs = shape.readChannels
    kernelSize = shape.kernelSize
    groupWidth = shape.isDense ? nil : shape.groupWidth ?? storedInputs
    (self.storedInputs, self.group) = (storedInputs, group)
  }

  private var groups: Int { (kernelSize * storedInputs + group - 1) / group }

  /// Reorders `[oc][ic][row][column]` weights, with zeros in the padding.
  func packed<Weight: AdditiveArithmetic>(_ weights: [Weight]) -> [Weight] {
    let perOutput = groupWidth.map { kernelSize * $0 } ?? groups * group
    let count = PlanLayout.paddedChannels(outputs) * kernelSize * perOutput
    var result = [Weight](repeating: .zero, count: count)
    forEachWeight { plain, packed in result[packed] = weights[plain] }
    return result
  }

  /// Undoes ``packed(_:)``.
  func unpacked(_ packed: UnsafeBufferPointer<Float>) -> [Float] {
    let count = outputs * inputs * kernelSize * kernelSize
    var weights = [Float](repeating: 0, count: count)
    forEachWeight { plain, place in weights[plain] = packed[place] }
    return weights
  }

  /// Calls `body` with the two places of each weight.
  @inline(__always)
  private func forEachWeight(_ body: (_ plain: Int, _ packed: Int) -> Void) {
    let taps = kernelSize * kernelSize
    if let groupWidth {
      let (taps, width) = (UInt32(taps), UInt32(groupWidth))
      for output in 0..<UInt32(outputs) {
        for tap in 0..<taps {
          for input in 0..<UInt32(inputs) {
            let place =
              group == 4
              ? rn_grouped_index_q8(output, tap, input, taps, width)
              : rn_grouped_index_float(output, tap, input, taps, width)
            body(Int((output * UInt32(inputs) + input) * taps + tap), place)
          }
        }
      }
      return
    }
    for output in 0..<outputs {
      for tap in 0..<taps {
        let first = tap % kernelSize * storedInputs
        let block = (output / 16 * kernelSize + tap / kernelSize) * groups + first / group
        // Divisions for each weight would take longer than all else.
        var place = (block * 16 + output % 16) * group + first % group
        var left = group - first % group
        for input in 0..<inputs {
          body((output * inputs + input) * taps + tap, place)
          place += 1
          left -= 1
          if left == 0 {
            place += 15 * group
            left = group
          }
        }
      }
    }
  }
}

/// Pads values of output channels with zeros to whole blocks.
package func padded<Value: AdditiveArithmetic>(_ values: [Value]) -> [Value] {
  values + [Value](repeating: .zero, count: PlanLayout.paddedChannels(values.count) - values.count)
}

extension Program {
  /// The channels stored in a tensor: 3 in the image, else whole blocks of 16.
  package func storedChannels(of tensor: Int) -> Int {
    tensor == operations[0].output ? 3 : PlanLayout.paddedChannels(tensors[tensor].channels)
  }

  /// Where the weights of an operation are; nil if it has none.
  func weightLayout(of operation: Int, group: Int = 1) -> WeightLayout? {
    operations[operation].kind.layer.map {
      WeightLayout(
        $0, storedInputs: storedChannels(of: operations[operation].input), group: group)
    }
  }
}
