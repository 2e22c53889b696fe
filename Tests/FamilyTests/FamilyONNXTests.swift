// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetModelImport
import TestPlans
import Testing

/// The ONNX files of the family against what the packages compute, in float64.
@Suite struct FamilyONNXTests {
  private static let files = FamilyFixture.names.flatMap { name in
    ["", "-tf"].filter { (try? FamilyFixture(name))?.onnx($0) != nil }.map { name + $0 }
  }

  private func fixture(_ file: String) throws -> (FamilyFixture, Network) {
    let suffix = file.hasSuffix("-tf") ? "-tf" : ""
    let fixture = try FamilyFixture(String(file.dropLast(suffix.count)))
    let path = try #require(fixture.onnx(suffix)).path
    return (fixture, try Network(contentsOf: path))
  }

  private func difference(_ found: [Double], _ output: FamilyFixture.Output) -> Double {
    guard found.count == output.shape.reduce(1, *) else { return .infinity }
    let chosen = output.chosen(of: found.map { Float($0) })
    let differences = zip(chosen, output.values).map { abs($0 - $1) }
    return Double(differences.max() ?? .infinity) / Double(output.magnitude)
  }

  @Test func thereAreFiles() { #expect(Self.files.count == 17) }

  @Test(arguments: files) func fileIsRead(file: String) throws {
    let (fixture, network) = try fixture(file)
    try network.check()
    let size = network.source.input.size
    var names: Set<String> = []
    for image in fixture.images where size == Network.Extent(image.height, image.width) {
      let input = PlainNetwork.Image(
        image.bytes, height: image.height, mean: fixture.mean, std: fixture.std)
      for (name, values) in PlainNetwork(network).outputs(input) {
        let output = try #require(image.output(name), "\(file): \(name)")
        #expect(difference(values, output) < 1e-4, "\(file): \(name)")
        names.insert(name)
      }
      // Stages are found by the names of blocks, where the file has any.
      if file.hasSuffix("-tf") { continue }
      let stages = image.outputs.filter { $0.name.hasPrefix("layer") }
      let modules = stages.indices.map {
        file.hasPrefix("resnetv2") ? "stages.\($0)" : stages[$0].name
      }
      var part = network
      try part.selectOutputs(modules)
      let found = PlainNetwork(part).outputs(input)
      for (module, stage) in zip(modules, stages) {
        #expect(difference(found[module] ?? [], stage) < 1e-4, "\(file): \(module)")
      }
    }
    #expect(names == (file.hasPrefix("iresnet") ? ["embedding"] : ["features", "logits"]))
  }

  @Test func rolesAreThoseOfTheGraph() throws {
    let (_, faces) = try fixture("iresnet-small")
    #expect(faces.outputs.map(\.role) == [.other])
    let (_, classifier) = try fixture("seresnet-small")
    #expect(classifier.outputs.map(\.role) == [.features, .logits])
  }

  /// The layers that operations of several nodes become.
  @Test func nodesBecomeOneLayer() throws {
    func count(_ file: String, _ isOne: (Network.Kind) -> Bool) throws -> Int {
      try fixture(file).1.layers.filter { isOne($0.kind) }.count
    }
    for file in ["resnet-blur-small", "resnet-blur-bottleneck-small"] {
      #expect(try count(file) { $0 == .blurPool(stride: 2) } == 4, "\(file)")
    }
    #expect(try count("seresnet-small") { $0 == .multiply } == 4)
    // Two of each gate, and the classifier.
    let linear = try count("seresnet-small") { if case .linear = $0 { true } else { false } }
    #expect(linear == 9)
    // The norm behind the last layer is part of it.
    let (_, faces) = try fixture("iresnet-small")
    guard case .linear(let last) = faces.layers.last?.kind else {
      Issue.record("expected a linear layer at the end")
      return
    }
    #expect(last.inputCount == 16 * 3 * 3)
    // Shortcuts of zeros and ones.
    let shortcuts = try count("cifar-a-small") {
      guard case .convolution(let layer) = $0 else { return false }
      return layer.kernel == 1 && layer.stride == 2
        && layer.weights.reduce(0, +) == Float(layer.inputChannels)
        && layer.weights.allSatisfy { $0 == 0 || $0 == 1 }
    }
    #expect(shortcuts == 2)
  }
}
