// SPDX-License-Identifier: Apache-2.0

package import ResNetModelGraph
package import ResNetPlanFormat
package import ResNetPlanning
package import ResNetQuantization

/// A network of random weights that is small enough to run thousands of times.
package struct TestNetwork: Sendable, CustomStringConvertible {
  package let description: String
  package let config: ResNetConfig
  package let zeroInitResidual: Bool

  package init(
    _ description: String, _ block: ResNetConfig.Block, _ blockCounts: [Int], _ channels: [Int],
    outputs: Int = 10, zeroInitResidual: Bool = false, stemChannels: [Int]? = nil,
    branchChannels: [Int]? = nil, bottleneckStride: ResNetConfig.BottleneckStride = .second,
    poolsShortcuts: Bool = false
  ) {
    self.description = description
    do {
      config = try ResNetConfig(
        block: block, blockCounts: blockCounts, channels: channels, outputDimension: outputs,
        stemChannels: stemChannels, branchChannels: branchChannels,
        bottleneckStride: bottleneckStride, poolsShortcuts: poolsShortcuts)
    } catch {
      preconditionFailure("\(error)")
    }
    self.zeroInitResidual = zeroInitResidual
  }

  package static let basic = TestNetwork("basic", .basic, [2, 1], [16, 16])
  package static let bottleneck = TestNetwork("bottleneck", .bottleneck, [2, 1], [16, 16])
  package static let deep = TestNetwork("deep", .basic, [1, 1, 1, 1], [16, 32, 48, 64])
  /// No channel count is a multiple of 16, and 3 is also the channel count of an image.
  package static let odd = TestNetwork("odd", .basic, [2, 1, 1], [5, 3, 37], outputs: 3)
  package static let oddBottleneck = TestNetwork(
    "odd bottleneck", .bottleneck, [1, 2], [3, 11], outputs: 17)
  package static let dead = TestNetwork(
    "dead branches", .basic, [2, 2], [16, 32], zeroInitResidual: true)
  package static let deadBottleneck = TestNetwork(
    "dead bottleneck branches", .bottleneck, [2, 2], [16, 16], zeroInitResidual: true)

  package static let paperBottleneck = TestNetwork(
    "bottleneck with the stride in the first convolution", .bottleneck, [1, 2], [16, 16],
    bottleneckStride: .first)
  package static let wide = TestNetwork(
    "wide bottleneck", .bottleneck, [1, 1], [8, 8], branchChannels: [16, 20])
  /// The stem and the shortcuts of ResNet-D.
  package static let pooled = TestNetwork(
    "deep stem, pooled shortcuts", .basic, [1, 1, 1], [16, 24, 32], stemChannels: [8, 9, 16],
    poolsShortcuts: true)
  package static let pooledBottleneck = TestNetwork(
    "deep stem, pooled shortcuts, bottleneck", .bottleneck, [1, 2], [8, 8],
    stemChannels: [24, 32, 40], poolsShortcuts: true)

  package static let all: [TestNetwork] = [
    .basic, .bottleneck, .deep, .odd, .oddBottleneck, .dead, .deadBottleneck, .paperBottleneck,
    .wide, .pooled, .pooledBottleneck,
  ]

  /// The network with its batch norms folded, without its dead branches.
  package func network() throws -> Network {
    var network = Network(random: config, seed: 1, zeroInitResidual: zeroInitResidual)
    try network.foldBatchNorms()
    network.dropDeadBranches()
    return network
  }

  package func program(inputSize: Network.Extent) throws -> Program {
    try Program(network(), height: inputSize.height, width: inputSize.width)
  }

  /// The plan file, with the scales of two random images if it is int8.
  package func plan(
    inputSize: Network.Extent, weights: WeightFormat = .int8, layers: [String: WeightFormat] = [:],
    magnitudes: [Float] = [], isCoded: Bool = false,
    _ set: (inout PlanOptions) -> Void = { _ in }
  ) throws -> [UInt8] {
    try testPlan(
      of: network(), inputSize: inputSize, weights: weights, layers: layers,
      magnitudes: magnitudes, isCoded: isCoded, set)
  }

  /// The names of the layers with weights.
  package func layers(inputSize: Network.Extent) throws -> [String] {
    try program(inputSize: inputSize).operations
      .filter { $0.multiplications > 0 }.map(\.name)
  }
}

/// The plan file of a network, with the scales of two random images if it is int8, and coded convolutions if wanted.
package func testPlan(
  of network: Network, inputSize: Network.Extent, weights: WeightFormat = .int8,
  layers: [String: WeightFormat] = [:], magnitudes: [Float] = [], isCoded: Bool = false,
  _ set: (inout PlanOptions) -> Void = { _ in }
) throws -> [UInt8] {
  let model = try Program(network, height: inputSize.height, width: inputSize.width).model
  var scheme: QuantizationScheme
  if weights == .int8 {
    let calibration = try Calibration(of: model, seeds: [0, 1], threads: 1)
    scheme = QuantizationScheme(
      model, activations: calibration.scales(of: model.program, method: .minMax))
  } else {
    scheme = QuantizationScheme(model, weights: weights)
  }
  scheme.layers = layers
  scheme.magnitudes = magnitudes
  if isCoded { scheme.codings = model.program.testCodings }
  var options = PlanOptions()
  options.provenance = "made: test"
  set(&options)
  return try Planner.plan(scheme, options)
}

extension Program {
  /// What a quantization starts from, with the usual preprocessing.
  package var model: FloatModel {
    let crop = ImageSize(height: inputHeight, width: inputWidth)
    let resize = ImageSize(height: inputHeight + 8, width: inputWidth + 8)
    return FloatModel(self, preprocessing: PreprocessingRecord(resize: resize, crop: crop))
  }
}

extension Program {
  /// Codings of all 3×3 convolutions with stride 1, in both forms by turns, with steps that hold most of what random
  /// images make and clip some of it.
  package var testCodings: [String: Coding] {
    var codings: [String: Coding] = [:]
    var generator = RandomGenerator(seed: 7)
    for operation in operations {
      guard case .convolution(let layer) = operation.kind, layer.kernelSize == 3, layer.stride == 1
      else { continue }
      let form: Arithmetic.Algorithm = codings.count % 2 == 0 ? .coded4x4 : .coded2x2
      let factors = (0..<form.products).map { tap in
        let range = form == .coded2x2 ? 6000...16000 : tap == 0 ? 2000...2500 : 3000...8000
        return Int16.random(
          in: Int16(range.lowerBound)...Int16(range.upperBound), using: &generator)
      }
      codings[operation.name] = Coding(form, factors: factors, zero: form == .coded2x2 ? 128 : 140)
    }
    return codings
  }
}

extension Calibration {
  /// The distributions over random images.
  package init(of model: FloatModel, seeds: [UInt64], threads: Int) throws {
    let size = model.preprocessing.crop
    try self.init(
      observing: model, imageCount: seeds.count, threads: threads,
      image: { testImage(size, seed: seeds[$0]) }, progress: { _ in })
  }
}

/// Random pixels, RGB8.
package func testImage(_ size: ImageSize, seed: UInt64) -> [UInt8] {
  randomBytes(3 * size.area, seed: seed &+ 0x1000)
}

package func testImage(_ size: Network.Extent, seed: UInt64) -> [UInt8] {
  testImage(ImageSize(height: size.height, width: size.width), seed: seed)
}

/// The same of a square.
package func testImage(_ size: Int, seed: UInt64) -> [UInt8] {
  testImage(ImageSize(size), seed: seed)
}

package func randomBytes(_ count: Int, seed: UInt64) -> [UInt8] {
  var generator = RandomGenerator(seed: seed)
  return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next() >> 32) }
}

/// Flips bits or replaces bytes at up to four places, or with `moves` takes bytes away or adds some.
package func damaged(
  _ file: [UInt8], _ seed: UInt64, upTo end: Int? = nil, moves: Bool = false
) -> [UInt8] {
  var generator = RandomGenerator(seed: seed)
  var result = file
  for _ in 0..<Int.random(in: 1...4, using: &generator) {
    let index = Int.random(in: 0..<(end ?? result.count), using: &generator)
    let byte = UInt8.random(in: .min ... .max, using: &generator)
    switch Int.random(in: 0..<(moves ? 4 : 2), using: &generator) {
    case 0: result[index] ^= 1 << (byte % 8)
    case 1: result[index] = byte
    case 2: result.remove(at: index)
    default: result.insert(byte, at: index)
    }
  }
  return result
}

/// A network of a known architecture's blocks with few channels, so that tests are quick.
package func narrow(_ config: ResNetConfig, outputs: Int = 7) throws -> ResNetConfig {
  let stages = config.blockCounts.count
  // Zeros are put on both sides of the channels of a subsampled shortcut.
  let channels = config.shortcut == .subsampled ? [2, 4, 6, 8] : [2, 3, 4, 5]
  let isWide = config.branchChannels != config.channels
  var narrow = try ResNetConfig(
    block: config.block, blockCounts: config.blockCounts, channels: Array(channels.prefix(stages)),
    outputDimension: outputs, branchChannels: isWide ? [4, 2, 6, 4] : nil)
  (narrow.order, narrow.stem, narrow.shortcut) = (config.order, config.stem, config.shortcut)
  narrow.cardinality = min(config.cardinality, 2)
  narrow.gateChannels = config.gateChannels.map { _ in [1, 2, 1, 3] }
  narrow.embeddedPixels = min(config.embeddedPixels, 4)
  return narrow
}
