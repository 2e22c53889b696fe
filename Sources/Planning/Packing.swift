// SPDX-License-Identifier: Apache-2.0

package import ResNetModelGraph

/// Reorders `[oc][ic][row][column]` weights to the layout of the kernels,
/// `[oc/16][row][run/group][16 oc][group]`, with `zero` in the padding.
///
/// `inputs` are the channels stored in the input; `group` is 4 for int8 convolutions and 1 for
/// float32 ones. A run has the channels of all columns, one column after the other, and is padded to
/// whole groups.
package func packed<Weight>(
  _ weights: [Weight], _ shape: Convolution, inputs: Int, group: Int, zero: Weight
) -> [Weight] {
  let outputs = paddedChannels(shape.outputChannels)
  let size = shape.kernelSize
  let groups = (size * inputs + group - 1) / group
  var result = [Weight](repeating: zero, count: outputs * size * groups * group)
  let taps = size * size
  for output in 0..<shape.outputChannels {
    for tap in 0..<taps {
      let first = tap % size * inputs
      let block = (output / 16 * size + tap / size) * groups + first / group
      // Divisions for each weight would take longer than all else.
      var place = (block * 16 + output % 16) * group + first % group
      var left = group - first % group
      for input in 0..<shape.inputChannels {
        result[place] = weights[(output * shape.inputChannels + input) * taps + tap]
        place += 1
        left -= 1
        if left == 0 {
          place += 15 * group
          left = group
        }
      }
    }
  }
  return result
}

/// Reorders `[out][in]` weights to `[out/16][in][16 out]`, padded with `zero`.
package func packed<Weight>(_ weights: [Weight], _ shape: Linear, zero: Weight) -> [Weight] {
  let inputs = paddedChannels(shape.inputCount)
  let outputs = paddedChannels(shape.outputCount)
  var result = [Weight](repeating: zero, count: outputs * inputs)
  for output in 0..<shape.outputCount {
    for input in 0..<shape.inputCount {
      result[(output / 16 * inputs + input) * 16 + output % 16] =
        weights[output * shape.inputCount + input]
    }
  }
  return result
}

/// Undoes `packed` of a convolution with groups of 1.
func unpacked(
  _ packed: UnsafeBufferPointer<Float>, _ shape: Convolution, inputs: Int
) -> [Float] {
  let size = shape.kernelSize
  let taps = size * size
  let count = shape.outputChannels * shape.inputChannels * taps
  return [Float](unsafeUninitializedCapacity: count) { weights, initialized in
    for output in 0..<shape.outputChannels {
      for tap in 0..<taps {
        let row = (output / 16 * size + tap / size) * size + tap % size
        for input in 0..<shape.inputChannels {
          weights.initializeElement(
            at: (output * shape.inputChannels + input) * taps + tap,
            to: packed[(row * inputs + input) * 16 + output % 16])
        }
      }
    }
    initialized = count
  }
}

/// Undoes `packed` of the classifier.
func unpacked(_ packed: UnsafeBufferPointer<Float>, _ shape: Linear) -> [Float] {
  let inputs = paddedChannels(shape.inputCount)
  let count = shape.outputCount * shape.inputCount
  return [Float](unsafeUninitializedCapacity: count) { weights, initialized in
    for output in 0..<shape.outputCount {
      for input in 0..<shape.inputCount {
        weights.initializeElement(
          at: output * shape.inputCount + input,
          to: packed[(output / 16 * inputs + input) * 16 + output % 16])
      }
    }
    initialized = count
  }
}

/// Pads values of output channels to whole blocks.
package func padded<Value>(_ values: [Value], with zero: Value) -> [Value] {
  values + [Value](repeating: zero, count: paddedChannels(values.count) - values.count)
}

/// The channels stored for `used` ones: whole blocks of 16.
package func paddedChannels(_ used: Int) -> Int { (used + 15) / 16 * 16 }

extension Program {
  /// The channels stored in a tensor: 3 in the image, else whole blocks of 16.
  package func storedChannels(of tensor: Int) -> Int {
    tensor == operations[0].output ? 3 : paddedChannels(tensors[tensor].channels)
  }
}
