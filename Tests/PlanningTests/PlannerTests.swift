// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanFormat
import ResNetPlanning
import ResNetQuantization
import TestPlans
import Testing

@Suite struct PlannerTests {
  @Test(arguments: TestNetwork.all, [WeightFormat.int8, .float32, .float16])
  func plansAreValidAndAlwaysTheSame(network: TestNetwork, format: WeightFormat) throws {
    let size = 45
    let first = try network.plan(inputSize: .init(size), weights: format)
    #expect(try network.plan(inputSize: .init(size), weights: format) == first)
    try withView(first) { view in
      #expect(view.classCount == network.config.outputDimension)
      #expect(view.featureCount == network.config.featureCount)
      #expect(view.mainArithmetic.weights == format)
      #expect(view.model.imageHeight == size && view.model.imageWidth == size)
    }
  }

  @Test(arguments: TestNetwork.all)
  func sumsAreWrittenInPlaceOfTheirResiduals(network: TestNetwork) throws {
    try withView(try network.plan(inputSize: 64)) { view in
      for index in 0..<view.stepCount {
        let step = view.step(index)
        guard step.hasResidual else { continue }
        #expect(
          view.tensor(step.output).offset == view.tensor(step.residual).offset,
          "\(String(cString: view.name(step.name)))")
      }
    }
  }

  /// Only what an int8 convolution writes and another adds has lower bytes.
  @Test(arguments: [TestNetwork.basic, .bottleneck])
  func sumsThatAreAddedAgainKeepLowerBytes(network: TestNetwork) throws {
    try withView(try network.plan(inputSize: 64)) { view in
      let steps = (0..<view.stepCount).map(view.step)
      for (index, step) in steps.enumerated() {
        var isSum = false
        if case .convolution = step.operation { isSum = true }
        let isAdded = steps[index...].contains { $0.residual == step.output }
        #expect(
          (view.tensor(step.output).lowerBytes == .behind) == (isSum && isAdded),
          "\(String(cString: view.name(step.name)))")
      }
    }
    try withView(try network.plan(inputSize: 64, weights: .float16)) { view in
      #expect((0..<view.tensorCount).allSatisfy { view.tensor($0).lowerBytes == .none })
    }
  }

  @Test func residualsAreThere() throws {
    // Three blocks, one residual each; dead branches leave none.
    for (network, count) in [(TestNetwork.basic, 3), (.bottleneck, 3), (.dead, 0)] {
      try withView(try network.plan(inputSize: 64)) { view in
        #expect((0..<view.stepCount).filter { view.step($0).hasResidual }.count == count)
      }
    }
  }

  @Test func everyMultiplicationIsCounted() throws {
    try withView(try TestNetwork.basic.plan(inputSize: 32)) { view in
      let total = (0..<view.stepCount).reduce(0) { $0 + view.step($1).multiplications }
      // Stem 16², four convolutions of layer1 at 8², two and the shortcut of layer2 at 4², classifier.
      let stem = 16 * 16 * 16 * 3 * 49
      let first = 4 * 8 * 8 * 16 * 16 * 9
      let second = 4 * 4 * 16 * 16 * (9 + 9 + 1)
      #expect(total == stem + first + second + 160)
    }
  }

  @Test func weightsBeyondHalfPrecisionAreRefusedByName() throws {
    var network = try TestNetwork.basic.network()
    let name = "layer1.1.conv1"
    network[convolution: name].weights[5] = 65520
    #expect(throws: PlanningError.halfOverflow(layer: name, found: 65520)) {
      try testPlan(of: network, inputSize: 32, weights: .float16)
    }
    // The greatest number that still rounds into range.
    network[convolution: name].weights[5] = Float(65520).nextDown
    _ = try testPlan(of: network, inputSize: 32, weights: .float16)
  }

  /// Sums on the way to transformed weights are up to 9/2 times the weights.
  @Test func floatsWhoseTransformCouldOverflowStayDirect() throws {
    func forms(_ weight: Float) throws -> [Arithmetic.Algorithm] {
      var network = try TestNetwork.basic.network()
      network[convolution: "layer1.1.conv1"].weights[5] = weight
      let file = try testPlan(of: network, inputSize: 32, weights: .float32) {
        $0.targets = [.neon]
        $0.winogradByteLimit = 1 << 30
      }
      return try withView(file) { view in
        (0..<view.stepCount).compactMap {
          let step = view.step($0)
          return String(cString: view.name(step.name)) == "layer1.1.conv1"
            ? step.arithmetic.algorithm : nil
        }
      }
    }
    let limit = Float.greatestFiniteMagnitude / 4.5
    #expect(try forms(limit.nextUp.nextUp) == [.direct])
    #expect(try !forms(-limit.nextDown).contains(.direct))
  }

  /// The layers that may sum in fp16 if all tensors reach `magnitude` and a channel of the first convolution of
  /// layer1.1 has one weight of `weight`, at a tap.
  private func layersInHalves(
    _ magnitude: Float, weight: Float, tap: Int, _ transformed: WinogradWeights
  ) throws -> [String] {
    var network = try TestNetwork.basic.network()
    var layer = network[convolution: "layer1.1.conv1"]
    let count = layer.weights.count / layer.outputChannels
    for index in layer.weights.indices {
      layer.weights[index] = index == 5 * count + tap ? weight : 0
    }
    network[convolution: "layer1.1.conv1"] = layer
    let file = try testPlan(
      of: network, inputSize: 32, weights: .float16,
      magnitudes: [Float](
        repeating: magnitude, count: try Program(network, inputSize: 32).tensors.count)
    ) {
      $0.winograd = transformed
      $0.winogradByteLimit = 1 << 30
    }
    return try withView(file) { view in
      (0..<view.stepCount).filter { view.step($0).arithmetic.accumulator == .float16 }
        .map { String(cString: view.name(view.step($0).name)) }
    }
  }

  /// Four times the greatest input has to leave it below 512, and the sums of any channel below 61,574.
  @Test func onlyLayersInRangeSumInHalves() throws {
    let name = "layer1.1.conv1"
    let all = try layersInHalves(1, weight: -100, tap: 0, .off)
    #expect(all.contains(name))
    #expect(!all.contains("fc"))
    #expect(try layersInHalves(127.9, weight: -100, tap: 0, .off) == all)
    for magnitude in [128, Float.infinity, .nan] {
      #expect(try layersInHalves(magnitude, weight: -100, tap: 0, .off) == [])
    }
    #expect(try layersInHalves(76.9, weight: -200, tap: 8, .off) == all)
    #expect(try layersInHalves(77, weight: -200, tap: 8, .off) == all.filter { $0 != name })
  }

  /// F(4×4) multiplies its first tap by 1/4 twice and its last one by 1, and inputs by up to 10 twice: 25/64 and
  /// 25/4 with the scale of 1/16.
  @Test func winogradSumsHaveARangeOfTheirOwn() throws {
    let name = "layer1.1.conv1"
    #expect(try layersInHalves(20, weight: 1000, tap: 0, .atLoad).contains(name))
    #expect(try !layersInHalves(20, weight: 2100, tap: 0, .atLoad).contains(name))
    #expect(try layersInHalves(20, weight: 123, tap: 8, .atLoad).contains(name))
    #expect(try !layersInHalves(20, weight: 124, tap: 8, .atLoad).contains(name))
  }

  @Test func theWrongNumberOfClassNamesIsRefused() {
    for count in [1, 9, 11] {
      let names = (0..<count).map(String.init)
      #expect(throws: PlanningError.classCount(expected: 10, found: count)) {
        try TestNetwork.basic.plan(inputSize: 32, weights: .float32) { $0.classNames = names }
      }
    }
  }

  @Test func classNamesCanBeShown() {
    for (bad, found) in [
      ("a\0b", "\0"), ("a\nb", "\n"), ("a\r\nb", "\r"), ("\u{2028}", "\u{2028}"),
      ("\u{1B}[2J", "\u{1B}"), ("a\tb", "\t"), ("tench\u{202E}", "\u{202E}"),
    ] as [(String, Unicode.Scalar)] {
      var names = (0..<10).map(String.init)
      names[6] = bad
      let error = PlanningError.className(index: 6, found: found)
      #expect(throws: error) {
        try TestNetwork.basic.plan(inputSize: 32, weights: .float32) { $0.classNames = names }
      }
      let code = String(found.value, radix: 16, uppercase: true)
      #expect(error.description.hasPrefix("class name 6: expected text without control characters"))
      #expect(error.description.hasSuffix(code))
    }
  }

  @Test func whatCannotBeShownOfALayersNameIsEscaped() throws {
    var network = try TestNetwork.basic.network()
    network.layers[0].name = "conv\u{1B}[2J \u{202E}é\0"
    let file = try testPlan(of: network, inputSize: 32, weights: .float32)
    let name = Array("conv\\x1b[2J \\xe2\\x80\\xaeé\\x00".utf8) + [0]
    #expect(file.firstRange(of: name) != nil)
  }

  @Test func theProvenanceCanBeShown() {
    #expect(throws: PlanningError.provenance(line: 2, found: "\u{7F}")) {
      try TestNetwork.basic.plan(inputSize: 32, weights: .float32) {
        $0.provenance = "a: b\nc: \u{7F}\n"
      }
    }
  }

  @Test func anImageBeyondTheFormatIsRefused() {
    for size in [16, 2049] {
      #expect {
        try TestNetwork.basic.plan(inputSize: .init(size), weights: .float32)
      } throws: {
        if case PlanningError.limit = $0 { true } else { false }
      }
    }
  }
}
