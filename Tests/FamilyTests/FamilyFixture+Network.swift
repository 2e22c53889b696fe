// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetModelImport
import TestPlans

extension FamilyFixture {
  /// The network of the state dictionary, with the options that it needs.
  func network() throws -> Network {
    var options = ImportOptions()
    // What tensors do not tell.
    if name.hasPrefix("dilated") { options.outputStride = name == "dilated-last" ? 16 : 8 }
    if name.hasPrefix("resnet-aa") { options.antiAliasing = .average }
    if name.hasPrefix("resnet-blur") { options.antiAliasing = .blur }
    return try network(options)
  }

  func network(_ options: ImportOptions) throws -> Network {
    let tensors: NamedTensors = tensors.map { name, shape in
      (name, Tensor(shape: shape, values: FamilyFixture.values(name, shape: shape)))
    }
    return try safetensorsFile(tensors).withUnsafeBytes { try Network(bytes: $0, options) }
  }

  /// What a network calls an output of a fixture.
  static func name(_ output: String, _ config: ResNetConfig) -> String {
    if config.names == .stages, output.hasPrefix("layer"), let stage = Int(output.dropFirst(5)) {
      return "stages.\(stage - 1)"
    }
    // The image that the linear layer of faces reads.
    return config.order == .faces && output == "features" ? "bn2" : output
  }
}
