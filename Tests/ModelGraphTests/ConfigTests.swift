// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetModelImport
import TestPlans
import Testing

@Suite struct ConfigTests {
  @Test(arguments: [
    ("resnet18", ResNetConfig.resnet18, "ResNet18", 512, 8, 2),
    ("resnet34", .resnet34, "ResNet34", 512, 16, 2),
    ("ResNet50", .resnet50, "ResNet50", 2048, 16, 3),
    ("RESNET101", .resnet101, "ResNet101", 2048, 33, 3),
    ("resnet152", .resnet152, "ResNet152", 2048, 50, 3),
  ])
  func namedArchitectures(
    name: String, config: ResNetConfig, shown: String, features: Int, blocks: Int, branch: Int
  ) throws {
    #expect(try ResNetConfig(named: name) == config)
    #expect(config.name == shown)
    #expect(config.featureCount == features)
    #expect(config.blockCounts.reduce(0, +) == blocks)
    // The number in the name counts layers with weights: the stem, all branches, the classifier.
    #expect(shown == "ResNet\(blocks * branch + 2)")
    #expect(config.block.convolutionCount == branch)
    #expect(config.expansion == (branch == 2 ? 1 : 4))
    #expect(config.outputDimension == 1000)
    let other = try ResNetConfig(named: name, outputDimension: 10)
    #expect(other.outputDimension == 10)
    #expect(other.name == shown)
  }

  @Test func otherNamesAreRefused() {
    #expect(throws: GraphError.unknownArchitecture(name: "resnet21")) {
      try ResNetConfig(named: "resnet21")
    }
  }

  /// The numbers of parameters of torchvision's, timm's, akamaster's, kuangliu's and insightface's networks.
  @Test(arguments: [
    ("resnext50_32x4d", 25_028_904), ("seresnext50_32x4d", 27_559_896),
    ("seresnet18", 11_779_624), ("resnet20", 269_722), ("resnet110", 1_727_962),
    ("preactresnet18", 11_171_146), ("iresnet18", 24_025_600),
  ])
  func membersHaveTheParametersOfTheirOriginals(name: String, count: Int) throws {
    let config = try ResNetConfig(named: name)
    #expect(config.name.lowercased() == name)
    let tensors = Checkpoint.random(config: config, seed: 1).tensors
    let parameters = tensors.filter { !$0.key.contains("running") }
    #expect(parameters.values.reduce(0) { $0 + $1.values.count } == count)
  }

  /// The sizes that the originals were trained with, of networks that take no others or hardly any.
  @Test(arguments: [
    ("resnet20", 32), ("preactresnet18", 32), ("iresnet18", 112), ("iresnet200", 112),
    ("resnet50", nil), ("seresnext50_32x4d", nil),
  ])
  func smallImagesHaveAUsualSize(name: String, side: Int?) throws {
    let config = try ResNetConfig(named: name)
    #expect(config.usualExtent == side.map { Network.Extent($0) })
    let network = Network(random: config, seed: 1)
    #expect(network.source.input.size == config.usualExtent)
    if name.hasPrefix("iresnet") {
      #expect(throws: GraphError.self) { try Program(network, inputSize: 224) }
      #expect(try Program(network, inputSize: 112).outputs.count == 1)
    }
  }

  @Test func membersAreNotOneAnother() throws {
    for config in ResNetConfig.named {
      #expect(ResNetConfig.named.filter { $0.name == config.name } == [config])
    }
    let network = try Network(random: ResNetConfig(named: "wide_resnet50_2"), seed: 1)
    #expect(
      throws: GraphError.architectureMismatch(expected: "ResNet50", found: "Wide_ResNet50_2")
    ) {
      try network.check(architecture: "resnet50")
    }
  }

  @Test func outputStrideIsAProductOfStrides() throws {
    let dilated = try ResNetConfig.resnet50.withOutputStride(16)
    #expect(dilated.outputStride == 16)
    #expect(dilated.name == "ResNet50 (output stride 16)")
    #expect(try dilated.withOutputStride(32) == .resnet50)
    for (stride, range) in [(2, 4...32), (64, 4...32)] {
      #expect(
        throws: GraphError.implausible(what: "output stride", expected: range, found: stride)
      ) {
        try ResNetConfig.resnet50.withOutputStride(stride)
      }
    }
    #expect(
      throws: GraphError.implausible(
        what: "output stride, a power of 2", expected: 4...32, found: 12)
    ) {
      try ResNetConfig.resnet50.withOutputStride(12)
    }
  }

  @Test func customConfigurationsSayWhatTheyAre() throws {
    let config = try ResNetConfig(
      block: .bottleneck, blockCounts: [1, 2], channels: [8, 24], outputDimension: 3)
    #expect(config.name == "custom ResNet (bottleneck blocks 1-2, channels 8-24)")
    #expect(config.featureCount == 96)
  }

  @Test(
    arguments: [
      ([], [], 1, GraphError.implausible(what: "number of stages", expected: 1...4, found: 0)),
      ([1, 1, 1, 1, 1], [1], 1, .implausible(what: "number of stages", expected: 1...4, found: 5)),
      ([1, 1], [8], 1, .stageCountMismatch(blockCounts: 2, channels: 1)),
      ([1, 0], [8, 8], 1, .implausible(what: "blocks of layer2", expected: 1...256, found: 0)),
      ([257], [8], 1, .implausible(what: "blocks of layer1", expected: 1...256, found: 257)),
      ([1], [0], 1, .implausible(what: "channels of layer1", expected: 1...4096, found: 0)),
      ([1], [4097], 1, .implausible(what: "channels of layer1", expected: 1...4096, found: 4097)),
      ([1], [-1], 1, .implausible(what: "channels of layer1", expected: 1...4096, found: -1)),
      ([1], [8], 0, .implausible(what: "output dimension", expected: 1...65536, found: 0)),
      ([1], [8], 65537, .implausible(what: "output dimension", expected: 1...65536, found: 65537)),
    ] as [([Int], [Int], Int, GraphError)])
  func implausibleNumbersAreRefused(
    counts: [Int], channels: [Int], outputs: Int, expected: GraphError
  ) {
    #expect(throws: expected) {
      try ResNetConfig(
        block: .basic, blockCounts: counts, channels: channels, outputDimension: outputs)
    }
  }

  /// Names and shapes as torchvision's resnet18 and resnet50 have them, from its source.
  @Test func tensorsAreTorchvisions() {
    let small = Checkpoint.random(config: .resnet18, seed: 3).tensors
    #expect(small.count == 20 * 5 + 2)
    #expect(small["conv1.weight"]?.shape == [64, 3, 7, 7])
    #expect(small["layer1.0.downsample.0.weight"] == nil)
    #expect(small["layer2.0.conv1.weight"]?.shape == [128, 64, 3, 3])
    #expect(small["layer2.0.downsample.0.weight"]?.shape == [128, 64, 1, 1])
    #expect(small["layer2.0.downsample.1.running_var"]?.shape == [128])
    #expect(small["layer4.1.bn2.weight"]?.shape == [512])
    #expect(small["fc.weight"]?.shape == [1000, 512])
    // torchvision documents 11,689,512 parameters; the running statistics come on top.
    let parameters = small.filter { !$0.key.contains("running") }
    #expect(parameters.values.reduce(0) { $0 + $1.values.count } == 11_689_512)

    let large = Checkpoint.random(config: .resnet50, seed: 3).tensors
    #expect(large["layer1.0.downsample.0.weight"]?.shape == [256, 64, 1, 1])
    #expect(large["layer3.0.conv1.weight"]?.shape == [256, 512, 1, 1])
    #expect(large["layer3.0.conv2.weight"]?.shape == [256, 256, 3, 3])
    #expect(large["layer3.0.conv3.weight"]?.shape == [1024, 256, 1, 1])
    #expect(large["fc.weight"]?.shape == [1000, 2048])
    // Documented: 25,557,032.
    let count = large.filter { !$0.key.contains("running") }.values.reduce(0) {
      $0 + $1.values.count
    }
    #expect(count == 25_557_032)
  }

  @Test func requiredArchitectureIsCompared() throws {
    let network = Network(
      random: try ResNetConfig(named: "resnet18", outputDimension: 3), seed: 4)
    try network.check(architecture: "ResNet18")
    #expect(throws: GraphError.architectureMismatch(expected: "ResNet50", found: "ResNet18")) {
      try network.check(architecture: "resnet50")
    }
    #expect(throws: GraphError.unknownArchitecture(name: "vgg")) {
      try network.check(architecture: "vgg")
    }
  }
}
