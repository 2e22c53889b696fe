// SPDX-License-Identifier: Apache-2.0

extension Network {
  /// Makes a network of blue, green, red one of red, green, blue, whose results on the swapped image are the same:
  /// convolutions of the image get their first and third input channel exchanged.
  ///
  /// - Throws: `GraphError.unfit` if another layer reads the image.
  /// - **Allocates:** the weights of those convolutions.
  public mutating func swapRedAndBlue() throws(GraphError) {
    for index in layers.indices where layers[index].inputs.contains(Network.image) {
      guard case .convolution(var convolution) = layers[index].kind, convolution.groups == 1,
        convolution.inputChannels == 3
      else {
        throw .unfit(
          layer: layers[index].name, expected: "a convolution of all three channels of the image",
          found: "another layer")
      }
      let taps = convolution.kernel.height * convolution.kernel.width
      for first in stride(from: 0, to: convolution.weights.count, by: 3 * taps) {
        for tap in first..<first + taps { convolution.weights.swapAt(tap, tap + 2 * taps) }
      }
      layers[index].kind = .convolution(convolution)
    }
  }
}

extension SIMD3 {
  /// The numbers of red, green and blue for blue, green and red.
  package var reversed: SIMD3 { SIMD3(z, y, x) }
}
