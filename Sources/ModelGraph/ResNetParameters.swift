// SPDX-License-Identifier: Apache-2.0

/// Where the numbers of a ResNet come from. It is asked in the order of the layers.
package protocol ResNetParameters {
  associatedtype Failure: Error

  /// A convolution's, and those of the batch norm behind it if the slot has one.
  mutating func convolution(_ slot: ResNetConfig.Slot) throws(Failure) -> ResNetConfig.Parameters

  /// Those of a batch norm that is not behind a convolution.
  mutating func norm(_ place: ResNetConfig.Place, channels: Int) throws(Failure)
    -> Network.BatchNorm

  /// The slopes of a PReLU.
  mutating func slopes(_ place: ResNetConfig.Place, channels: Int) throws(Failure) -> [Float]

  /// The linear layer's.
  mutating func linear(inputs: Int, outputs: Int) throws(Failure) -> (
    weights: [Float], bias: [Float]
  )
}
