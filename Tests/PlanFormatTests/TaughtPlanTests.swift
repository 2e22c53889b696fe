// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanFormat
import ResNetRuntime
import TestPlans
import Testing

/// Plans whose classifier was replaced.
@Suite struct TaughtPlanTests {
  /// What a plan is taught in these tests.
  private struct Head {
    let weights, bias, directions: [Float]
    let names, provenance: [UInt8]

    init(_ classes: Int, _ features: Int) {
      weights = (0..<classes * features).map { Float(($0 * 37) % 101 - 50) / 64 }
      bias = (0..<classes).map { Float($0) - 1.5 }
      directions = (0..<classes * features).map { Float($0) }
      names = (0..<classes).flatMap { Array("class \($0)".utf8) + [0] }
      provenance = Array("made: test\ntaught: test".utf8) + [0]
    }
  }

  private func taught(
    _ file: [UInt8], _ head: Head, _ score: StrangerScore = .none, threshold: Float = 0
  ) throws -> [UInt8] {
    let loaded = LoadedPlan(file)
    let plan = try loaded.plan()
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { memory.deallocate() }
    var result: [UInt8] = []
    try head.weights.withUnsafeBufferPointer { weights in
      try head.bias.withUnsafeBufferPointer { bias in
        try head.directions.withUnsafeBufferPointer { directions in
          try head.names.withUnsafeBytes { names in
            try head.provenance.withUnsafeBytes { provenance in
              var new = TaughtPlan.Head(
                weights: weights, bias: bias, classNames: names, provenance: provenance)
              new.strangerScore = score
              new.strangerThreshold = threshold
              new.classDirections = directions
              let taught = try TaughtPlan(plan.view, new)
              #expect(taught.memoryByteCount <= memory.count)
              taught.write(memory: memory) { (bytes) throws(Never) in
                result.append(contentsOf: bytes)
              }
              #expect(result.count == taught.byteCount)
            }
          }
        }
      }
    }
    return result
  }

  private static let plans: [(TestNetwork, WeightFormat)] = [
    (.basic, .int8), (.odd, .int8), (.bottleneck, .float16), (.deep, .float32), (.odd, .float32),
  ]

  @Test("the backbone gives the same bits, the logits are those of the new head", arguments: plans)
  func results(_ network: TestNetwork, _ format: WeightFormat) throws {
    try expectResults(of: network.plan(inputSize: 64, weights: format))
  }

  @Test("coded convolutions give the same bits, wherever the old head is")
  func coded() throws {
    for network in [TestNetwork.basic, .odd] {
      let file = try network.plan(inputSize: 64, isCoded: true)
      try expectResults(of: file)
      try expectResults(of: headFirst(file))
    }
  }

  @Test(
    "groups, scales with slopes and gates give the same bits, wherever the old head is",
    arguments: [WeightFormat.int8, .float16, .float32])
  func family(format: WeightFormat) throws {
    let file = try testPlan(of: familyNetwork(), inputSize: 64, weights: format)
    try expectResults(of: file)
    try expectResults(of: headFirst(file))
  }

  @Test("a head whose constants come first is left out", arguments: plans)
  func first(_ network: TestNetwork, _ format: WeightFormat) throws {
    let file = try network.plan(inputSize: 64, weights: format)
    let head = Head(3, try LoadedPlan(file).plan().featureCount)
    #expect(try taught(headFirst(file), head).count == taught(file, head).count)
    try expectResults(of: headFirst(file))
  }

  /// The same plan with the constants turned around, so that the classifier's come first.
  private func headFirst(_ file: [UInt8]) throws -> [UInt8] {
    var plan = PlanFile(file)
    let padding = Int(plan.constantsByteCount) - plan[.constants].count
    let constants = plan[.constants] + [UInt8](repeating: 0, count: padding)
    let (steps, start) = try withView(file) { view in
      var start = 0
      var last = view.step(view.stepCount - 1)
      view.forEachConstant(of: &last) { offset, _ in start = start == 0 ? offset : start }
      var steps = [UInt8](repeating: 0, count: view.stepCount * StepRecord.byteCount)
      for index in 0..<view.stepCount {
        var step = view.step(index)
        view.forEachConstant(of: &step) { offset, _ in
          offset = offset < start ? offset + constants.count - start : offset - start
        }
        steps.withUnsafeMutableBytes { step.write(to: $0, at: index * StepRecord.byteCount) }
      }
      return (steps, start)
    }
    plan[.steps] = steps
    plan[.constants] = Array(constants[start...] + constants[..<start])
    #expect(planError(plan.bytes) == nil)
    return plan.bytes
  }

  private func expectResults(of file: [UInt8]) throws {
    let image = testImage(64, seed: 4)
    let before = try infer(LoadedPlan(file), image)
    for classes in [2, 3, 16, 17, 40] {
      let head = Head(classes, before.features.count)
      let plan = LoadedPlan(try taught(file, head))
      let after = try infer(plan, image)
      #expect(after.features == before.features)
      #expect(after.logits.count == classes)
      let features = before.features.map { Double(Float(bitPattern: $0)) }
      for label in 0..<classes {
        let row = head.weights[label * features.count..<(label + 1) * features.count]
        let expected = zip(features, row).reduce(Double(head.bias[label])) {
          $0 + $1.0 * Double($1.1)
        }
        let scale = features.reduce(1) { $0 + abs($1) }
        #expect(abs(Double(after.floatLogits[label]) - expected) < 1e-5 * scale)
      }
      #expect(after == (try infer(plan, image, threads: 3, on: .reference)))
      #expect(try plan.plan().classNames == (0..<classes).map { "class \($0)" })
      #expect(try plan.plan().provenance == "made: test\ntaught: test")
    }
  }

  @Test("a plan that is taught again has nothing of the head before", arguments: plans)
  func again(_ network: TestNetwork, _ format: WeightFormat) throws {
    let file = try network.plan(inputSize: 64, weights: format)
    let features = try LoadedPlan(file).plan().featureCount
    let (few, many) = (Head(2, features), Head(50, features))
    let once = try taught(file, few)
    #expect(try taught(taught(file, many, .likeness, threshold: 0.5), few) == once)
    #expect(try taught(taught(file, many), few) == once)
  }

  /// A plan with the outputs that are asked for, of an image that is no square.
  private func plan(
    outputs names: [String], _ network: TestNetwork = .basic, _ format: WeightFormat = .int8
  ) throws -> [UInt8] {
    var network = Network(random: network.config, seed: 1)
    try network.selectOutputs(names)
    try network.foldBatchNorms()
    return try testPlan(of: network, inputSize: .init(64, 96), weights: format)
  }

  /// The bits of the outputs that are asked for.
  private func outputs(_ names: [String], of file: [UInt8]) throws -> [[UInt32]] {
    let plan = LoadedPlan(file)
    var session = try Session(plan.plan())
    session.run(testImage(Network.Extent(64, 96), seed: 4).span)
    return try names.map { name in
      let found = session.plan.output(name)
      let output = try #require(found)
      var values = [Float](repeating: .nan, count: output.count)
      var room = values.mutableSpan
      session.read(output, into: &room)
      return values.map(\.bitPattern)
    }
  }

  @Test("other outputs stay as they are")
  func otherOutputs() throws {
    let names = ["layer2", "features", "logits"]
    let file = try plan(outputs: names)
    let before = try outputs(names, of: file)
    let after = try outputs(names, of: taught(file, Head(3, before[1].count)))
    #expect(after[0] == before[0] && after[1] == before[1] && after[2].count == 3)
  }

  @Test("a plan without logits gets them: those of the whole plan, bit for bit", arguments: plans)
  func newHead(_ network: TestNetwork, _ format: WeightFormat) throws {
    for names in [["features"], ["layer2", "features"], ["features", "layer2", "layer1"]] {
      let whole = try plan(outputs: names + ["logits"], network, format)
      let file = try plan(outputs: names, network, format)
      let count = try LoadedPlan(file).plan().featureCount
      let before = try outputs(names, of: file)
      for classes in [2, 3, 17, 1000] {
        let head = Head(classes, count)
        let new = try taught(file, head, .likeness, threshold: 0.5)
        #expect(try outputs(names, of: new) == before)
        let found = try outputs(["features", "logits"], of: new)
        #expect(try found == outputs(["features", "logits"], of: taught(whole, head)))
        #expect(found[1].count == classes)
        try withView(new) { view in
          #expect(view.outputCount == names.count + 1 && view.model.strangerScore == .likeness)
          #expect(view.output(named: "logits") == names.count)
        }
        // The backbone's constants are where they were.
        let (old, now) = (PlanFile(file)[.constants], PlanFile(new)[.constants])
        #expect(now.prefix(old.count) == old[...])
        #expect(try taught(new, Head(2, count)) == taught(file, Head(2, count)))
      }
    }
  }

  @Test("a plan without features is refused, and one without logits and without room for them")
  func missingOutputs() throws {
    func error(_ file: [UInt8]) throws -> TaughtPlanError? {
      let loaded = LoadedPlan(file)
      let plan = try loaded.plan()
      do throws(TaughtPlanError) {
        try TaughtPlan.check(plan.view)
        return nil
      } catch {
        return error
      }
    }
    #expect(try error(plan(outputs: ["features", "logits", "layer1"])) == nil)
    #expect(try error(plan(outputs: ["features", "layer1"])) == nil)
    #expect(try error(plan(outputs: ["logits"])) == .noFeatures)
    #expect(try error(plan(outputs: ["layer1"])) == .noFeatures)
    #expect(
      "\(TaughtPlanError.noFeatures)"
        == "expected a plan with the output features, found one without")
    // The name of a map, and as many outputs as there may be: the same tensor under other names.
    let file = try plan(outputs: ["features", "layer1"])
    var named = PlanFile(file)
    named[.strings] += Array("logits\0".utf8)
    let offset = UInt32(named[.strings].count - 7)
    withUnsafeBytes(of: offset.littleEndian) { named[.outputs].replaceSubrange(40..<44, with: $0) }
    #expect(try error(named.bytes) == .noRoom)
    for (count, expected) in [(63, nil), (64, TaughtPlanError.noRoom)] {
      var full = PlanFile(file)
      let last = full[.outputs][32..<64]
      for index in 2..<count {
        var record = Array(last)
        let name = UInt32(full[.strings].count)
        full[.strings] += Array("map \(index)\0".utf8)
        withUnsafeBytes(of: name.littleEndian) { record.replaceSubrange(8..<12, with: $0) }
        full[.outputs] += record
      }
      #expect(try error(full.bytes) == expected)
      if expected == nil {
        let count = try LoadedPlan(file).plan().featureCount
        #expect(planError(try taught(full.bytes, Head(2, count))) == nil)
      }
    }
    #expect(
      "\(TaughtPlanError.noRoom)"
        == "expected logits, or room for them: fewer than 1024 tensors and steps and 64 outputs, "
        + "none named logits")
  }

  @Test("the rule for strangers is in the plan")
  func strangers() throws {
    let file = try TestNetwork.odd.plan(inputSize: 64)
    let features = try LoadedPlan(file).plan().featureCount
    let head = Head(5, features)
    let plan = LoadedPlan(try taught(file, head, .likeness, threshold: 0.25))
    let view = try plan.plan().view
    #expect(view.model.strangerScore == .likeness && view.model.strangerThreshold == 0.25)
    let stored = (0..<head.directions.count).map {
      view.constants.loadUnaligned(
        fromByteOffset: view.model.classDirections + 4 * $0, as: Float.self)
    }
    #expect(stored == head.directions)
    let other = LoadedPlan(try taught(file, head, .probability, threshold: 0.75))
    #expect(try other.plan().view.model.strangerScore == .probability)
  }

  @Test("a rule for strangers that is unsound is refused")
  func unsoundStrangers() throws {
    let file = try TestNetwork.odd.plan(inputSize: 64)
    let head = Head(5, try LoadedPlan(file).plan().featureCount)
    let sound = PlanFile(try taught(file, head, .likeness, threshold: 0.25))
    let rule: StaticString =
      "a finite threshold for strangers, and outputs and directions of classes where they need them"
    let none = PlanFile(file)
    none.expect(.section(.model, rule), .model(36), bits(0.5, -0.0))
    none.expect(.section(.model, rule), .model(40), [64])
    sound.expect(.section(.model, rule), .model(36), bits(.nan, .infinity))
    sound.expect(.section(.model, rule), .model(32), [0, 1])
    sound.expect(.section(.model, rule), .model(40), [4, sound.constantsByteCount])
    let codes: StaticString = "a record of 64 bytes with zeros in reserved bytes"
    sound.expect(.section(.model, codes), .model(32), [3])
  }
}
