// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanFormat
import ResNetPlanning
import ResNetRuntime
import TestPlans
import Testing

/// Values from inside a network as outputs, in images of every shape.
@Suite struct OutputTests {
  private static let names = ["layer1", "layer2.0", "features", "logits"]

  private func network(_ of: TestNetwork, _ names: [String] = names) throws -> Network {
    var network = Network(random: of.config, seed: 1, zeroInitResidual: of.zeroInitResidual)
    try network.selectOutputs(names)
    try network.foldBatchNorms()
    network.dropDeadBranches()
    return network
  }

  /// The bits of all outputs of an image.
  private func outputs(
    _ file: [UInt8], _ image: [UInt8], threads: Int = 1, on set: InstructionSet = .best,
    as layout: PlanOutput.Layout = .nchw
  ) throws -> [[Float]] {
    let plan = LoadedPlan(file)
    var session = try Session(plan.plan(), threads: threads, instructionSet: set)
    session.run(image.span)
    return (0..<session.plan.outputCount).map { index in
      let output = session.plan.output(at: index)
      var values = [Float](repeating: .nan, count: output.count)
      var room = values.mutableSpan
      session.read(output, into: &room, as: layout)
      return values
    }
  }

  @Test(arguments: [TestNetwork.basic, .bottleneck, .odd, .dead])
  func theyAgreeWithAPlainForwardPass(of: TestNetwork) throws {
    for size: Network.Extent in [.init(97, 131), .init(224, 32), .init(33, 64)] {
      let network = try network(of)
      let image = testImage(size, seed: 3)
      let expected = PlainNetwork(network).outputs(image, height: size.height)
      for (format, limit) in [(WeightFormat.float32, 1e-4), (.float16, 1e-2), (.int8, 0.2)] {
        let found = try outputs(testPlan(of: network, inputSize: size, weights: format), image)
        for (name, values) in zip(Self.names, found) {
          let exact = try #require(expected[name])
          #expect(values.count == exact.count)
          #expect(relativeDifference(values, exact) < limit, "\(name), \(size.text), \(format)")
        }
      }
    }
  }

  @Test(arguments: [TestNetwork.basic, .bottleneck], [WeightFormat.int8, .float32])
  func threadsAndInstructionSetsDoNotMatter(of: TestNetwork, format: WeightFormat) throws {
    for size: Network.Extent in [.init(97, 131), .init(224, 32)] {
      let file = try testPlan(of: network(of), inputSize: size, weights: format)
      let image = testImage(size, seed: 5)
      let expected = try outputs(file, image, on: .reference)
      for set in InstructionSet.available {
        for threads in [1, 3] {
          #expect(try outputs(file, image, threads: threads, on: set) == expected, "\(set)")
        }
      }
    }
  }

  @Test func layoutsHoldTheSameValues() throws {
    let size = Network.Extent(48, 80)
    let file = try testPlan(of: network(.basic), inputSize: size)
    let image = testImage(size, seed: 5)
    let (channelsFirst, channelsLast) = (
      try outputs(file, image), try outputs(file, image, as: .nhwc)
    )
    let loaded = LoadedPlan(file)
    let plan = try loaded.plan()
    for index in 0..<plan.outputCount {
      let output = plan.output(at: index)
      for y in 0..<output.height {
        for x in 0..<output.width {
          for channel in 0..<output.channels {
            #expect(
              channelsFirst[index][(channel * output.height + y) * output.width + x]
                == channelsLast[index][(y * output.width + x) * output.channels + channel])
          }
        }
      }
    }
  }

  /// Bytes are the values, to half a step; 16 bits tell more.
  @Test func bytesAreTheRoundedValues() throws {
    let size = Network.Extent(64, 96)
    let image = testImage(size, seed: 6)
    let plan = LoadedPlan(try testPlan(of: network(.basic, ["layer2"]), inputSize: size))
    for set in InstructionSet.available {
      var session = try Session(plan.plan(), instructionSet: set)
      session.run(image.span)
      let found = session.plan.output("layer2")
      let output = try #require(found)
      let (name, other) = (session.plan.name(of: output), session.plan.output("layer3"))
      #expect(output.format == .uint8 && name == "layer2" && other == nil)
      var values = [Float](repeating: 0, count: output.count)
      var bytes = [UInt8](repeating: 0, count: output.count)
      var room = values.mutableSpan
      var byteRoom = bytes.mutableSpan
      session.read(output, into: &room)
      session.readBytes(output, into: &byteRoom)
      var exact = 0
      for (value, byte) in zip(values, bytes) {
        let rounded = output.scale * Float(Int(byte) - output.zeroPoint)
        #expect(abs(value - rounded) <= 0.501 * output.scale)
        exact += value == rounded ? 1 : 0
      }
      #expect(exact < values.count / 2, "lower bytes")
    }
  }

  @Test func whatIsBehindTheLastOutputIsLeftOut() throws {
    let all = try Program(network(.basic), inputSize: 64)
    let first = try Program(network(.basic, ["layer1"]), inputSize: 64)
    #expect(first.operations.count < all.operations.count)
    #expect(first.operations.last?.block == "layer1.1")
    #expect(first.logitsTensor == nil && first.classCount == 0)
    let arenas = try [["features"], ["features", "logits"]].map { names in
      let plan = LoadedPlan(try testPlan(of: network(.basic, names), inputSize: 224))
      return try plan.plan().view.arenaByteCount
    }
    #expect(arenas[0] <= arenas[1])
  }

  /// The last sum is not written in place of a residual that is read too.
  @Test func anOutputIsNotOverwritten() throws {
    let names = ["layer2.0", "layer2.1"]
    let net = TestNetwork("two blocks", .basic, [1, 2], [16, 32])
    let network = try network(net, names)
    let image = testImage(64, seed: 8)
    let expected = PlainNetwork(network).outputs(image)
    for format in [WeightFormat.int8, .float32] {
      let found = try outputs(testPlan(of: network, inputSize: 64, weights: format), image)
      for (name, values) in zip(names, found) {
        #expect(try relativeDifference(values, #require(expected[name])) < 0.2, "\(name)")
      }
    }
  }

  @Test func classifiersNeedLogits() throws {
    let plan = LoadedPlan(try testPlan(of: network(.basic, ["features"]), inputSize: 32))
    #expect(throws: SessionError.noLogits) { _ = try Classifier(plan.plan()) }
    var session = try Session(plan.plan())
    session.run(testImage(32, seed: 1).span)
    #expect(session.features.count == TestNetwork.basic.config.featureCount)
    #expect(session.withLogits { $0.isEmpty })
  }

  @Test func namesArePyTorchs() throws {
    func value(_ name: String) throws -> String {
      var network = Network(random: TestNetwork.bottleneck.config, seed: 1)
      try network.selectOutputs([name])
      return network.outputs[0].value
    }
    #expect(try value("layer2") == value("layer2.0"))
    #expect(try value("layer1.0") == "layer1.0")
    // What a batch norm gives, before ReLU.
    #expect(try value("layer1.0.bn1") == "layer1.0.conv1 normed")
    #expect(try value("maxpool") == "stem")
    #expect(try value("avgpool") == value("features"))
    #expect(try value("fc") == value("logits"))
    for name in ["layer3", "layer", "", "layer2.", "Layer2"] {
      #expect(throws: GraphError.self) { try value(name) }
    }
    var twice = Network(random: TestNetwork.basic.config, seed: 1)
    #expect(throws: GraphError.repeatedOutput(name: "fc")) {
      try twice.selectOutputs(["fc", "layer1", "fc"])
    }
  }
}
