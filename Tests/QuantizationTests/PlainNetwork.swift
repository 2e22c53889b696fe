// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

/// A forward pass in float64 written from the definitions, to compare the executor with.
///
/// Images are `[channel][row][column]`.
struct PlainNetwork {
  struct Image {
    var channels, size: Int
    var values: [Double]

    init(channels: Int, size: Int) {
      self.channels = channels
      self.size = size
      values = [Double](repeating: 0, count: channels * size * size)
    }

    subscript(channel: Int, row: Int, column: Int) -> Double {
      get { values[(channel * size + row) * size + column] }
      set { values[(channel * size + row) * size + column] = newValue }
    }
  }

  let graph: Graph

  func logits(_ pixels: [UInt8], size: Int, mean: SIMD3<Float>, std: SIMD3<Float>)
    -> (features: [Double], logits: [Double])
  {
    var image = Image(channels: 3, size: size)
    for channel in 0..<3 {
      for place in 0..<size * size {
        image.values[channel * size * size + place] =
          (Double(pixels[3 * place + channel]) / 255 - Double(mean[channel]))
          / Double(std[channel])
      }
    }
    var x = image
    for convolution in graph.stem { x = rectified(convolved(x, convolution)) }
    x = maximum(x)
    for block in graph.blocks {
      var branch = x
      for (index, convolution) in block.branch.enumerated() {
        branch = convolved(branch, convolution)
        if index < block.branch.count - 1 { branch = rectified(branch) }
      }
      var shortcut = x
      if case .convolution(let convolution) = block.shortcut {
        shortcut = convolved(x, convolution)
      }
      if !block.branch.isEmpty {
        for index in branch.values.indices { shortcut.values[index] += branch.values[index] }
      }
      x = rectified(shortcut)
    }
    let area = x.size * x.size
    let features = (0..<x.channels).map { channel in
      x.values[channel * area..<(channel + 1) * area].reduce(0, +) / Double(area)
    }
    let head = graph.head
    let logits = (0..<head.outputCount).map { output in
      (0..<head.inputCount).reduce(Double(head.bias[output])) {
        $0 + features[$1] * Double(head.weights[output * head.inputCount + $1])
      }
    }
    return (features, logits)
  }

  func rectified(_ image: Image) -> Image {
    var image = image
    for index in image.values.indices { image.values[index] = max(image.values[index], 0) }
    return image
  }

  func convolved(_ input: Image, _ layer: Convolution) -> Image {
    let kernel = layer.kernelSize
    let size = (input.size + 2 * layer.padding - kernel) / layer.stride + 1
    var output = Image(channels: layer.outputChannels, size: size)
    for channel in 0..<layer.outputChannels {
      for y in 0..<size {
        for x in 0..<size {
          var sum = Double(layer.bias[channel])
          for source in 0..<input.channels {
            for row in 0..<kernel {
              let inputY = y * layer.stride + row - layer.padding
              guard 0..<input.size ~= inputY else { continue }
              for column in 0..<kernel {
                let inputX = x * layer.stride + column - layer.padding
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

  /// 3×3, stride 2, padding 1.
  func maximum(_ input: Image) -> Image {
    let size = (input.size - 1) / 2 + 1
    var output = Image(channels: input.channels, size: size)
    for channel in 0..<input.channels {
      for y in 0..<size {
        for x in 0..<size {
          var greatest = -Double.infinity
          for row in max(2 * y - 1, 0)...min(2 * y + 1, input.size - 1) {
            for column in max(2 * x - 1, 0)...min(2 * x + 1, input.size - 1) {
              greatest = max(greatest, input[channel, row, column])
            }
          }
          output[channel, y, x] = greatest
        }
      }
    }
    return output
  }
}
