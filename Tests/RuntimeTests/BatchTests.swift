// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanFormat
import ResNetRuntime
import TestPlans
import Testing

/// Several images in one run: the bits of one image at a time.
@Suite struct BatchTests {
  private static let size = 48

  /// Different images, one after the other.
  private func images(_ count: Int, size: Network.Extent = .init(Self.size)) -> [UInt8] {
    (0..<count).flatMap { testImage(size, seed: UInt64(20 + $0)) }
  }

  private func run(_ session: inout Session, _ pixels: [UInt8], _ images: Range<Int>) {
    let bytes = session.plan.imageByteCount
    session.run(pixels.span.extracting(images.lowerBound * bytes..<images.upperBound * bytes))
  }

  /// The bits of all outputs of an image of the last run.
  private func outputs(_ session: borrowing Session, _ image: Int) -> [[UInt32]] {
    (0..<session.plan.outputCount).map { index in
      let output = session.plan.output(at: index)
      var values = [Float](repeating: .nan, count: output.count)
      var room = values.mutableSpan
      session.read(output, ofImage: image, into: &room)
      return values.map(\.bitPattern)
    }
  }

  private func probabilities(_ session: borrowing Session, _ image: Int) -> [Float] {
    var values = [Float](repeating: .nan, count: session.plan.classCount)
    var room = values.mutableSpan
    session.probabilities(ofImage: image, into: &room)
    return values
  }

  /// Expects the outputs of single runs of all sizes of batches, the largest first, so that each finds another's
  /// outputs in its memory.
  private func expectOneAnswer(
    _ plan: LoadedPlan, _ pixels: [UInt8], batch: Int, threads: Int, on set: InstructionSet,
    tuning: Tuning = .none
  ) throws {
    var single = try Session(plan.plan(), instructionSet: set)
    var expected: [[[UInt32]]] = []
    for image in 0..<batch {
      run(&single, pixels, image..<image + 1)
      expected.append(outputs(single, 0))
    }
    #expect(Set(expected).count == batch)
    var session = try Session(
      plan.plan(), threads: threads, batch: batch, instructionSet: set, tuning: tuning)
    let (most, before) = (session.batch, session.imageCount)
    #expect(most == batch && before == 1)
    for count in (1...batch).reversed() {
      let start = batch - count
      run(&session, pixels, start..<batch)
      let imageCount = session.imageCount
      #expect(imageCount == count)
      for image in 0..<count {
        let found = outputs(session, image)
        #expect(
          found == expected[start + image],
          "image \(image) of \(count), \(threads) threads, \(set)")
      }
    }
  }

  @Test(arguments: [TestNetwork.basic, .bottleneck, .odd, .pooled], [1, 2, 3, 4])
  func imagesDoNotMatterToEachOther(network: TestNetwork, threads: Int) throws {
    let plan = LoadedPlan(try network.plan(inputSize: .init(Self.size)))
    for set in InstructionSet.available {
      for batch in [2, 3, 4, 9] {
        try expectOneAnswer(plan, images(batch), batch: batch, threads: threads, on: set)
      }
    }
  }

  @Test(arguments: [WeightFormat.float32, .float16])
  func floatsAgreeToo(format: WeightFormat) throws {
    let plan = LoadedPlan(try TestNetwork.basic.plan(inputSize: .init(Self.size), weights: format))
    for threads in [1, 2, 4] {
      try expectOneAnswer(plan, images(6), batch: 6, threads: threads, on: .best)
    }
  }

  @Test func outputsFromInsideTheNetworkAreKept() throws {
    let size = Network.Extent(64, 96)
    var network = Network(random: TestNetwork.basic.config, seed: 1)
    try network.selectOutputs(["layer1.0", "layer2", "features", "logits"])
    try network.foldBatchNorms()
    let plan = LoadedPlan(try testPlan(of: network, inputSize: size))
    for threads in [1, 2, 3] {
      try expectOneAnswer(plan, images(7, size: size), batch: 7, threads: threads, on: .best)
    }
  }

  @Test func tunedSessionsAgree() throws {
    let network = TestNetwork("wide", .basic, [2, 1], [32, 64])
    let plan = LoadedPlan(try network.plan(inputSize: .init(Self.size)))
    for threads in [1, 3] {
      try expectOneAnswer(
        plan, images(7), batch: 7, threads: threads, on: .best, tuning: .measured)
    }
  }

  @Test func vectorsAndProbabilitiesAreOfTheirImage() throws {
    let plan = LoadedPlan(try TestNetwork.basic.plan(inputSize: .init(Self.size)))
    let pixels = images(5)
    var single = try Session(plan.plan())
    var session = try Session(plan.plan(), threads: 2, batch: 5)
    run(&session, pixels, 0..<5)
    for image in 0..<5 {
      run(&single, pixels, image..<image + 1)
      let (found, expected) = (probabilities(session, image), probabilities(single, 0))
      #expect(found == expected)
      let logits = session.withLogits(ofImage: image) { values in
        values.indices.map { values[$0] }
      }
      let features = session.withFeatures(ofImage: image) { values in
        values.indices.map { values[$0] }
      }
      let (sameLogits, sameFeatures) = (Array(single.logits), Array(single.features))
      #expect(logits == sameLogits && features == sameFeatures)
    }
  }

  @Test func anArenaOfAsManyBytesAsThePlanTellsIsEnough() throws {
    let plan = LoadedPlan(try TestNetwork.basic.plan(inputSize: .init(Self.size)))
    let pixels = images(8)
    for threads in 1...4 {
      for batch in [1, 2, 3, 8] {
        let count = try plan.plan().sessionByteCount(threads: threads, batch: batch)
        let memory = GuardedMemory(capacity: count + 64)
        let arena = memory.suffix(count)
        _ = arena.initializeMemory(as: UInt8.self, repeating: 0xFF)
        var session = try Session(plan.plan(), threads: threads, batch: batch, arena: arena)
        let byteCount = session.byteCount
        #expect(byteCount == count)
        run(&session, pixels, 0..<batch)
        for image in 0..<batch {
          var single = try Session(plan.plan())
          run(&single, pixels, image..<image + 1)
          let (found, expected) = (outputs(session, image), outputs(single, 0))
          #expect(found == expected)
        }
        let short = UnsafeMutableRawBufferPointer(start: arena.baseAddress, count: count - 64)
        #expect(
          throws: SessionError.arena(expected: count, found: count - 64, isAligned: true)
        ) {
          _ = try Session(plan.plan(), threads: threads, batch: batch, arena: short)
        }
      }
    }
  }

  /// A batch takes an arena for each thread, not for each image.
  @Test func memoryGrowsByOutputs() throws {
    let loaded = LoadedPlan(try TestNetwork.basic.plan(inputSize: .init(Self.size)))
    let plan = try loaded.plan()
    let arena = plan.view.arenaByteCount
    func count(_ threads: Int, _ batch: Int) -> Int {
      plan.sessionByteCount(threads: threads, batch: batch)
    }
    let alone = plan.sessionByteCount(threads: 2)
    #expect(count(2, 1) == alone)
    #expect(count(2, 2) - count(2, 1) >= arena)
    #expect(count(2, 64) - count(2, 63) < arena / 4)
    #expect(count(4, 3) - count(4, 1) < arena)
  }

  @Test func batchesOutOfRangeAreRefused() throws {
    let loaded = LoadedPlan(try TestNetwork.basic.plan(inputSize: 32))
    for batch in [0, -1, 65, Int.max] {
      #expect(throws: SessionError.batch(batch)) {
        _ = try Session(loaded.plan(), batch: batch)
      }
    }
  }

  @Test func wrongNumbersOfImagesAreProgrammingErrors() async {
    await #expect(processExitsWith: .failure) {
      let plan = LoadedPlan(try TestNetwork.basic.plan(inputSize: 32))
      var session = try Session(plan.plan(), batch: 2)
      session.run([UInt8](repeating: 0, count: 3 * 3 * 32 * 32).span)
    }
    await #expect(processExitsWith: .failure) {
      let plan = LoadedPlan(try TestNetwork.basic.plan(inputSize: 32))
      var session = try Session(plan.plan(), batch: 2)
      session.run([UInt8](repeating: 0, count: 3 * 32 * 32 + 3).span)
    }
    await #expect(processExitsWith: .failure) {
      let plan = LoadedPlan(try TestNetwork.basic.plan(inputSize: 32))
      var session = try Session(plan.plan(), batch: 2)
      session.run([UInt8]().span)
    }
    await #expect(processExitsWith: .failure) {
      let plan = LoadedPlan(try TestNetwork.basic.plan(inputSize: 32))
      var session = try Session(plan.plan(), batch: 2)
      session.run(testImage(32, seed: 1).span)
      session.withLogits(ofImage: 1) { _ in }
    }
  }
}
