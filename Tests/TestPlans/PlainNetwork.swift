// SPDX-License-Identifier: Apache-2.0

import Foundation
package import ResNetModelGraph
import ResNetPlanFormat

/// A forward pass in float64 written from the definitions, to compare the executor with.
///
/// Images are `[channel][row][column]`.
package struct PlainNetwork {
  package struct Image {
    package var channels, height, width: Int
    package var values: [Double]

    package init(channels: Int, height: Int, width: Int) {
      (self.channels, self.height, self.width) = (channels, height, width)
      values = [Double](repeating: 0, count: channels * height * width)
    }

    package init(channels: Int, size: Int) {
      self.init(channels: channels, height: size, width: size)
    }

    /// The pixels of an RGB image, normalized as torchvision does.
    ///
    /// - Parameter height: nil for a square.
    package init(_ pixels: [UInt8], height: Int? = nil) {
      let usual = PreprocessingRecord()
      self.init(
        pixels, height: height, mean: (0..<3).map { Double(usual.mean[$0]) },
        std: (0..<3).map { Double(usual.std[$0]) })
    }

    /// The same, normalized in another way.
    package init(_ pixels: [UInt8], height: Int? = nil, mean: [Double], std: [Double]) {
      let height = height ?? Int(Double(pixels.count / 3).squareRoot())
      self.init(channels: 3, height: height, width: pixels.count / 3 / height)
      for index in pixels.indices {
        let (place, channel) = (index / 3, index % 3)
        values[channel * height * width + place] =
          (Double(pixels[index]) / 255 - mean[channel]) / std[channel]
      }
    }

    package subscript(channel: Int, row: Int, column: Int) -> Double {
      get { values[(channel * height + row) * width + column] }
      set { values[(channel * height + row) * width + column] = newValue }
    }
  }

  let network: Network

  package init(_ network: Network) { self.network = network }

  /// The outputs by name, channel by channel.
  ///
  /// - Parameter height: of the image; nil for a square.
  package func outputs(_ pixels: [UInt8], height: Int? = nil) -> [String: [Double]] {
    outputs(of: Image(pixels, height: height)).mapValues(\.values)
  }

  /// The outputs of a normalized image by name, channel by channel.
  package func outputs(_ image: Image) -> [String: [Double]] {
    outputs(of: image).mapValues(\.values)
  }

  /// The outputs by name.
  package func outputs(of image: Image) -> [String: Image] {
    var values = [Network.image: image]
    for layer in network.layers {
      guard let x = values[layer.inputs[0]] else { preconditionFailure("\(layer.inputs[0])") }
      switch layer.kind {
      case .convolution(let convolution): values[layer.output] = convolved(x, convolution)
      case .batchNorm(let norm): values[layer.output] = normed(x, norm)
      case .clamp(let lower, let upper):
        values[layer.output] = x
        for index in x.values.indices {
          values[layer.output]?.values[index] = min(
            max(x.values[index], Double(lower)), Double(upper))
        }
      case .add:
        values[layer.output] = x
        let other = values[layer.inputs[1]]?.values ?? []
        for index in x.values.indices { values[layer.output]?.values[index] += other[index] }
      case .prelu(let slopes):
        values[layer.output] = x
        for index in x.values.indices where x.values[index] < 0 {
          values[layer.output]?.values[index] *= Double(slopes[index / (x.height * x.width)])
        }
      case .sigmoid:
        values[layer.output] = x
        for index in x.values.indices {
          values[layer.output]?.values[index] = 1 / (1 + exp(-x.values[index]))
        }
      case .multiply:
        values[layer.output] = x
        let gate = values[layer.inputs[1]]?.values ?? []
        for index in x.values.indices {
          values[layer.output]?.values[index] *= gate[index / (x.height * x.width)]
        }
      case .maxPool(let pool): values[layer.output] = pooled(x, pool, isMaximum: true)
      case .averagePool(let pool): values[layer.output] = pooled(x, pool, isMaximum: false)
      case .blurPool(let stride): values[layer.output] = blurred(x, stride)
      case .globalAveragePool: values[layer.output] = mean(x)
      case .linear(let head): values[layer.output] = product(x, head)
      }
    }
    return network.outputs.reduce(into: [:]) { $0[$1.name] = values[$1.value] }
  }

  /// The logits.
  package func logits(_ pixels: [UInt8]) -> [Double] { outputs(pixels)["logits"] ?? [] }

  package func mean(_ x: Image) -> Image {
    pooled(
      x, Network.Pool(kernel: Network.Extent(x.height, x.width), stride: 1), isMaximum: false)
  }

  /// A matrix product is a convolution of an image of one pixel, whose channels are all values of the input.
  package func product(_ x: Image, _ head: Linear) -> Image {
    var vector = Image(channels: x.values.count, height: 1, width: 1)
    vector.values = x.values
    return convolved(
      vector,
      Network.Convolution(
        inputChannels: head.inputCount, outputChannels: head.outputCount,
        kernel: Network.Extent(1), stride: Network.Extent(1), padding: Network.Padding(0),
        weights: head.weights, bias: head.bias))
  }

  package func rectified(_ image: Image) -> Image {
    var image = image
    for index in image.values.indices { image.values[index] = max(image.values[index], 0) }
    return image
  }

  package func convolved(_ input: Image, _ layer: Network.Convolution) -> Image {
    let (kernel, stride, dilation) = (layer.kernel, layer.stride, layer.dilation)
    let padding = layer.padding
    func size(_ size: Int, _ kernel: Int, _ stride: Int, _ dilation: Int) -> Int {
      (size - (kernel - 1) * dilation - 1) / stride + 1
    }
    var output = Image(
      channels: layer.outputChannels,
      height: size(
        input.height + padding.top + padding.bottom, kernel.height, stride.height, dilation.height),
      width: size(
        input.width + padding.left + padding.right, kernel.width, stride.width, dilation.width))
    let (inputs, outputs) = (
      layer.inputChannels / layer.groups, layer.outputChannels / layer.groups
    )
    for channel in 0..<layer.outputChannels {
      for y in 0..<output.height {
        for x in 0..<output.width {
          var sum = Double(layer.bias?[channel] ?? 0)
          for source in 0..<inputs {
            for row in 0..<kernel.height {
              let inputY = y * stride.height + row * dilation.height - padding.top
              guard 0..<input.height ~= inputY else { continue }
              for column in 0..<kernel.width {
                let inputX = x * stride.width + column * dilation.width - padding.left
                guard 0..<input.width ~= inputX else { continue }
                let place =
                  ((channel * inputs + source) * kernel.height + row) * kernel.width + column
                sum +=
                  Double(layer.weights[place])
                  * input[channel / outputs * inputs + source, inputY, inputX]
              }
            }
          }
          output[channel, y, x] = sum
        }
      }
    }
    return output
  }

  /// The sums of neighbors by [1 2 1] / 4 in both directions, with images reflected at their edges.
  package func blurred(_ input: Image, _ stride: Network.Extent) -> Image {
    func inside(_ place: Int, _ size: Int) -> Int {
      place < 0 ? -place : place < size ? place : 2 * (size - 1) - place
    }
    var output = Image(
      channels: input.channels, height: (input.height - 1) / stride.height + 1,
      width: (input.width - 1) / stride.width + 1)
    for channel in 0..<output.channels {
      for y in 0..<output.height {
        for x in 0..<output.width {
          var sum = 0.0
          for row in -1...1 {
            for column in -1...1 {
              sum +=
                Double((2 - abs(row)) * (2 - abs(column))) / 16
                * input[
                  channel, inside(y * stride.height + row, input.height),
                  inside(x * stride.width + column, input.width)]
            }
          }
          output[channel, y, x] = sum
        }
      }
    }
    return output
  }

  package func normed(_ x: Image, _ norm: Network.BatchNorm) -> Image {
    var y = x
    for index in y.values.indices {
      let channel = index / (y.height * y.width)
      let deviation = (Double(norm.variance[channel]) + norm.epsilon).squareRoot()
      y.values[index] =
        (y.values[index] - Double(norm.mean[channel])) / deviation * Double(norm.gamma[channel])
        + Double(norm.beta[channel])
    }
    return y
  }

  /// The maximum or the mean of each window, whose pixels outside of the image are left out or count as zeros.
  package func pooled(_ input: Image, _ pool: Network.Pool, isMaximum: Bool) -> Image {
    let (kernel, stride, padding) = (pool.kernel, pool.stride, pool.padding)
    func places(_ size: Int, _ kernel: Int, _ stride: Int) -> Int {
      (pool.roundsUp ? size - kernel + stride - 1 : size - kernel) / stride + 1
    }
    var output = Image(
      channels: input.channels,
      height: places(input.height + padding.top + padding.bottom, kernel.height, stride.height),
      width: places(input.width + padding.left + padding.right, kernel.width, stride.width))
    for channel in 0..<input.channels {
      for y in 0..<output.height {
        for x in 0..<output.width {
          var values: [Double] = []
          let (top, left) = (y * stride.height - padding.top, x * stride.width - padding.left)
          for row in top..<top + kernel.height {
            for column in left..<left + kernel.width
            where 0..<input.height ~= row && 0..<input.width ~= column {
              values.append(input[channel, row, column])
            }
          }
          let count = pool.countsPadding ? kernel.height * kernel.width : values.count
          output[channel, y, x] =
            isMaximum
            ? values.reduce(-.infinity, max) : values.reduce(0, +) / Double(count)
        }
      }
    }
    return output
  }
}
