// SPDX-License-Identifier: Apache-2.0

package import ModelGraph

/// Reorders `[oc][ic][row][column]` weights to the layout of the kernels,
/// `[oc/16][row][column][ic/group][16 oc][group]`, with `zero` in the padding of both channels.
///
/// `inputs` are the channels stored in the input; `group` is 4 for int8 convolutions and 1 for
/// float32 ones.
package func packed<Weight>(
  _ weights: [Weight], _ shape: Convolution, inputs: Int, group: Int, zero: Weight
) -> [Weight] {
  let outputs = paddedChannels(shape.outputChannels)
  let kernel = shape.kernelSize * shape.kernelSize
  var result = [Weight](repeating: zero, count: outputs * kernel * inputs)
  for output in 0..<shape.outputChannels {
    for input in 0..<shape.inputChannels {
      for tap in 0..<kernel {
        let block = (output / 16 * kernel + tap) * (inputs / group) + input / group
        let place = (block * 16 + output % 16) * group + input % group
        result[place] = weights[(output * shape.inputChannels + input) * kernel + tap]
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

/// Pads values of output channels to whole blocks.
package func padded<Value>(_ values: [Value], with zero: Value) -> [Value] {
  values + [Value](repeating: zero, count: paddedChannels(values.count) - values.count)
}

/// The channels stored for `used` ones: whole blocks of 16.
package func paddedChannels(_ used: Int) -> Int { (used + 15) / 16 * 16 }

extension FusedGraph {
  /// The channels stored in a tensor: 4 in the image, else whole blocks of 16.
  package func storedChannels(of tensor: Int) -> Int {
    tensor == operations[0].output ? 4 : paddedChannels(tensors[tensor].channels)
  }
}
