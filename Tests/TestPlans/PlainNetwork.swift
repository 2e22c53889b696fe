// SPDX-License-Identifier: Apache-2.0

package import ResNetModelGraph
import ResNetPlanFormat

/// A forward pass in float64 written from the definitions, to compare the executor with.
///
/// Images are `[channel][row][column]`.
package struct PlainNetwork {
  package struct Image {
    package var channels, size: Int
    package var values: [Double]

    package init(channels: Int, size: Int) {
      self.channels = channels
      self.size = size
      values = [Double](repeating: 0, count: channels * size * size)
    }

    /// The pixels of an RGB image, normalized as torchvision does.
    package init(_ pixels: [UInt8]) {
      self.init(channels: 3, size: Int(Double(pixels.count / 3).squareRoot()))
      let usual = PreprocessingRecord()
      for index in pixels.indices {
        let (place, channel) = (index / 3, index % 3)
        values[channel * size * size + place] =
          (Double(pixels[index]) / 255 - Double(usual.mean[channel])) / Double(usual.std[channel])
      }
    }

    package subscript(channel: Int, row: Int, column: Int) -> Double {
      get { values[(channel * size + row) * size + column] }
      set { values[(channel * size + row) * size + column] = newValue }
    }
  }

  let network: Network

  package init(_ network: Network) { self.network = network }

  /// The outputs by name.
  package func outputs(_ pixels: [UInt8]) -> [String: [Double]] {
    var values = [Network.image: Image(pixels)]
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
      case .maxPool(let pool): values[layer.output] = pooled(x, pool, isMaximum: true)
      case .averagePool(let pool): values[layer.output] = pooled(x, pool, isMaximum: false)
      case .globalAveragePool: values[layer.output] = mean(x)
      case .linear(let head): values[layer.output] = product(x, head)
      }
    }
    return network.outputs.reduce(into: [:]) { $0[$1.name] = values[$1.value]?.values }
  }

  /// The logits.
  package func logits(_ pixels: [UInt8]) -> [Double] { outputs(pixels)["logits"] ?? [] }

  package func mean(_ x: Image) -> Image {
    pooled(
      x, Network.Pool(kernel: Network.Extent(x.size), stride: Network.Extent(1)), isMaximum: false)
  }

  /// A matrix product is a convolution of an image of one pixel.
  package func product(_ x: Image, _ head: Linear) -> Image {
    convolved(
      x,
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
    let (kernel, stride, padding) = (
      layer.kernel.height, layer.stride.height, layer.padding.top
    )
    let size = (input.size + 2 * padding - kernel) / stride + 1
    var output = Image(channels: layer.outputChannels, size: size)
    for channel in 0..<layer.outputChannels {
      for y in 0..<size {
        for x in 0..<size {
          var sum = Double(layer.bias?[channel] ?? 0)
          for source in 0..<input.channels {
            for row in 0..<kernel {
              let inputY = y * stride + row - padding
              guard 0..<input.size ~= inputY else { continue }
              for column in 0..<kernel {
                let inputX = x * stride + column - padding
                guard 0..<input.size ~= inputX else { continue }
                let weight =
                  layer.weights[
                    ((channel * input.channels + source) * kernel + row) * kernel + column]
                sum += Double(weight) * input[source, inputY, inputX]
              }
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
      let channel = index / (y.size * y.size)
      let deviation = (Double(norm.variance[channel]) + norm.epsilon).squareRoot()
      y.values[index] =
        (y.values[index] - Double(norm.mean[channel])) / deviation * Double(norm.gamma[channel])
        + Double(norm.beta[channel])
    }
    return y
  }

  /// The maximum or the mean of each window, whose pixels outside of the image are left out or count as zeros.
  package func pooled(_ input: Image, _ pool: Network.Pool, isMaximum: Bool) -> Image {
    let (kernel, stride, padding) = (pool.kernel.height, pool.stride.height, pool.padding.top)
    let reach = input.size + padding + pool.padding.bottom - kernel
    let size = (pool.roundsUp ? reach + stride - 1 : reach) / stride + 1
    var output = Image(channels: input.channels, size: size)
    for channel in 0..<input.channels {
      for y in 0..<size {
        for x in 0..<size {
          var values: [Double] = []
          for row in y * stride - padding..<y * stride - padding + kernel {
            for column in x * stride - padding..<x * stride - padding + kernel
            where 0..<input.size ~= row && 0..<input.size ~= column {
              values.append(input[channel, row, column])
            }
          }
          let count = pool.countsPadding ? kernel * kernel : values.count
          output[channel, y, x] =
            isMaximum
            ? values.reduce(-.infinity, max) : values.reduce(0, +) / Double(count)
        }
      }
    }
    return output
  }
}
