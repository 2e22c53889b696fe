// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

/// What is known of the values that layers make.
extension Network.Kind {
  /// The channels that a layer makes; nil for those of its input.
  var channels: Int? {
    switch self {
    case .convolution(let convolution): convolution.outputChannels
    case .linear(let linear): linear.outputCount
    default: nil
    }
  }

  /// Whether a layer makes 1×1 pixels whatever the size of the image is.
  ///
  /// - Parameter ofPoints: whether all of its inputs have 1×1 pixels.
  func isPoint(_ ofPoints: Bool) -> Bool {
    switch self {
    case .globalAveragePool, .linear: true
    case .add, .multiply, .batchNorm, .clamp, .prelu, .sigmoid: ofPoints
    case .convolution, .maxPool, .averagePool, .blurPool: false
    }
  }

  /// Whether a layer makes no values below 0.
  ///
  /// - Parameter ofRectified: whether its inputs have none.
  func isRectified(_ ofRectified: Bool) -> Bool {
    switch self {
    case .clamp(let lower, _): lower >= 0
    case .sigmoid: true
    case .add, .multiply, .maxPool, .averagePool, .blurPool, .globalAveragePool, .prelu: ofRectified
    case .convolution, .batchNorm, .linear: false
    }
  }

  /// The height and width that a layer makes of those of its input; nil if the image is smaller than the window.
  func size(of input: Network.Extent) -> Network.Extent? {
    switch self {
    case .convolution(let layer):
      let window = Network.Extent(
        (layer.kernel.height - 1) * layer.dilation.height + 1,
        (layer.kernel.width - 1) * layer.dilation.width + 1)
      return Network.Pool(kernel: window, stride: layer.stride, padding: layer.padding)
        .size(of: input)
    case .maxPool(let pool), .averagePool(let pool): return pool.size(of: input)
    case .blurPool(let stride):
      return Network.Pool(kernel: 3, stride: stride, padding: Network.Padding(1)).size(of: input)
    case .globalAveragePool, .linear: return 1
    case .add, .multiply, .batchNorm, .clamp, .prelu, .sigmoid: return input
    }
  }
}

extension Network.Pool {
  /// The windows in an image.
  fileprivate func size(of image: Network.Extent) -> Network.Extent? {
    guard
      let height = places(
        image.height + padding.top, padding.bottom, kernel.height, stride.height),
      let width = places(image.width + padding.left, padding.right, kernel.width, stride.width)
    else { return nil }
    return Network.Extent(height, width)
  }

  /// The windows along one direction of an image with the padding before it.
  private func places(_ size: Int, _ after: Int, _ kernel: Int, _ stride: Int) -> Int? {
    let reach = size + after - kernel
    guard reach >= 0 else { return nil }
    let count = reach / stride + 1
    // Another window counts if it starts in the image or in the padding before it.
    return roundsUp && reach % stride != 0 && count * stride < size ? count + 1 : count
  }
}
