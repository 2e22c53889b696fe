// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetModelImport
import TestPlans
import Testing

/// State dictionaries of the family: names and shapes give the network that their own framework has.
@Suite struct FamilyDictTests {
  private static let names = FamilyFixture.names.filter { !$0.hasPrefix("tiny") }

  @Test(arguments: names)
  func outputsAreThoseOfTheOriginal(fixture name: String) throws {
    let fixture = try FamilyFixture(name)
    var network = try fixture.network()
    try network.check()
    let config = try #require(network.config)
    let outputs = fixture.images[0].outputs.map { FamilyFixture.name($0.name, config) }
    try network.selectOutputs(outputs)
    // The largest ones take long in float64.
    for image in fixture.images where image.height * image.width < 100_000 {
      let found = PlainNetwork(network).outputs(
        of: .init(image.bytes, height: image.height, mean: fixture.mean, std: fixture.std))
      for output in image.outputs {
        let result = try #require(found[FamilyFixture.name(output.name, config)])
        #expect(
          output.shape.count == 1
            ? output.shape == [result.values.count]
            : output.shape == [result.channels, result.height, result.width],
          "\(output.name)")
        let values = output.chosen(of: result.values.map { Float($0) })
        #expect(values.count == output.values.count)
        let difference = zip(values, output.values).map { abs($0 - $1) }.max() ?? .infinity
        #expect(difference <= 1e-5 * output.magnitude, "\(output.name): \(difference)")
      }
    }
  }

  @Test(arguments: names)
  func outputsHaveTheirRoles(fixture name: String) throws {
    let fixture = try FamilyFixture(name)
    let outputs = try fixture.network().outputs
    let known = Set(fixture.images[0].outputs.map(\.name))
    if known.contains("embedding") {
      #expect(outputs.map(\.name) == ["embedding"] && outputs[0].role == .other)
    } else {
      #expect(
        outputs.map(\.role) == (known.contains("logits") ? [.features, .logits] : [.features]))
    }
  }

  /// Its padding is at the right and at the bottom, which tensors do not tell: its ONNX files do.
  @Test(arguments: ["tiny", "tiny-small"])
  func namesOfKerasAreRefused(fixture: String) throws {
    let fixture = try FamilyFixture(fixture)
    #expect {
      try fixture.network()
    } throws: { error in
      if case .network(.missingTensor("layer2.0.downsample.0.weight", _)) = error as? ImportError {
        return true
      }
      return false
    }
  }

  @Test(arguments: [
    ("cifar-a", "ResNet20"), ("cifar-b", "ResNet20 (shortcuts with convolutions)"),
    ("cifar-basic", "3×3 stem"), ("cifar-a-small", "subsampled shortcuts"),
    ("resnet-rs", "stem without max pool"), ("seresnet-old-bottleneck", "max pool rounded up"),
    ("seresnext", "4 groups"), ("resnet-blur-basic", "blurred"), ("dilated", "output stride 8"),
    ("preact-basic", "pre-activation"), ("resnetv2-deep", "pooled shortcuts"),
    ("iresnet", "IResNet"),
  ])
  func nameSaysWhatTheNetworkIs(fixture: String, part: String) throws {
    let name = try FamilyFixture(fixture).network().name
    #expect(name.contains(part), "\(name)")
  }

  /// Padding zeros and a stem of stride 1 are no more than what tensors leave open, so they are said.
  @Test(arguments: [
    ("cifar-b", "3×3 stem"), ("cifar-a", "every second pixel"),
    ("seresnet-old-small", "first 1×1"), ("resnetv2-deep", "average pools"),
    ("lerobot-act", "features only"),
  ])
  func assumptionsAreNoted(fixture: String, part: String) throws {
    let notes = try FamilyFixture(fixture).network().source.notes
    #expect(notes.contains { $0.contains(part) }, "\(notes)")
  }

  /// What an option cannot mean for a network is refused.
  @Test func optionsMustSuitTheNetwork() throws {
    func error(_ name: String, _ set: (inout ImportOptions) -> Void) throws -> ImportError? {
      var options = ImportOptions()
      set(&options)
      do {
        _ = try FamilyFixture(name).network(options)
      } catch let error as ImportError { return error }
      return nil
    }
    #expect(
      try error("cifar-b") { $0.outputStride = 16 }
        == .network(.implausible(what: "output stride", expected: 1...4, found: 16)))
    #expect(
      try error("iresnet") { $0.outputStride = 8 }
        == .network(.implausible(what: "output stride", expected: 16...16, found: 8)))
    for name in ["preact-small", "iresnet-small", "resnet-rs-small", "seresnet-old-small"] {
      guard
        case .network(.optionMismatch("anti-aliasing", _, _)) = try error(
          name, { $0.antiAliasing = .blur })
      else {
        Issue.record("\(name)")
        continue
      }
    }
  }
}
