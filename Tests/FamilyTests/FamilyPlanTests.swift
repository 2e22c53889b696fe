// SPDX-License-Identifier: Apache-2.0

import Glibc
import ResNetModelGraph
import ResNetModelImport
import ResNetPlanFormat
import ResNetPlanning
import ResNetQuantization
import ResNetRuntime
import TestPlans
import Testing

/// The members of the family from a checkpoint to the results of plans: float32 is what the other implementation
/// computes, int8 is near, and has one answer.
@Suite struct FamilyPlanTests {
  @Test(arguments: FamilyFixture.names.filter { $0.hasSuffix("-small") })
  func membersInONNX(name: String) throws {
    let fixture = try FamilyFixture(name)
    for suffix in ["", "-tf"] {
      guard let file = fixture.onnx(suffix) else { continue }
      try check(Network(contentsOf: file.path), fixture, "\(name)\(suffix)")
    }
  }

  @Test(arguments: FamilyFixture.names.filter { !$0.hasPrefix("tiny") })
  func membersInStateDictionaries(name: String) throws {
    let fixture = try FamilyFixture(name)
    try check(fixture.network(), fixture, name)
  }

  /// Checks plans of a network on the images of its fixture, with all outputs that it has of them.
  private func check(_ network: Network, _ fixture: FamilyFixture, _ what: String) throws {
    for image in fixture.images {
      let size = Network.Extent(image.height, image.width)
      if let fixed = network.source.input.size, network.source.input.isSizeFixed, fixed != size {
        continue
      }
      var network = network
      let own = network.config.map { config in
        { (name: String) in FamilyFixture.name(name, config) }
      }
      var known: [String: FamilyFixture.Output] = [:]
      for output in image.outputs {
        let name = own?(output.name) ?? output.name
        var copy = network
        if (try? copy.selectOutputs([name])) != nil { known[name] = output }
      }
      let names = known.keys.sorted()
      #expect(
        names.contains { ["logits", "features", "embedding", "layer4"].contains($0) }, "\(what)")
      try network.selectOutputs(names)
      try network.foldBatchNorms()
      let program = try Program(network, height: size.height, width: size.width)
      let model = FloatModel(program, preprocessing: fixture.preprocessing(size))
      let exact = try outputs(
        Planner.plan(QuantizationScheme(model, weights: .float32)), image.bytes)
      for name in names {
        let expected = try #require(known[name])
        let found = try #require(exact[name])
        let difference =
          zip(expected.chosen(of: found), expected.values)
          .map { abs($0 - $1) / expected.magnitude }.max() ?? .infinity
        #expect(found.count == expected.shape.reduce(1, *), "\(what), \(name)")
        #expect(difference < 1e-3, "\(what), \(name), \(size.text)")
      }
      try checkInt8(model, image, exact, what)
    }
  }

  private func checkInt8(
    _ model: FloatModel, _ image: FamilyFixture.Image, _ exact: [String: [Float]], _ what: String
  ) throws {
    // Of the largest images, float32 takes seconds and the reference minutes.
    let isLarge = image.height * image.width > 100_000
    // Of fewer, values beyond all that was seen are clipped.
    let images = FamilyImages(
      height: image.height, width: image.width, count: isLarge ? 2 : 32)
    let quantization = try Quantization(of: model, on: images, method: .minMax, threads: 2)
    let file = try Planner.plan(quantization.scheme)
    let found = try outputs(file, image.bytes, on: isLarge ? .best : .reference)
    for (name, values) in exact {
      let (signal, noise) = zip(values, try #require(found[name])).reduce(into: (0.0, 0.0)) {
        $0.0 += Double($1.0) * Double($1.0)
        $0.1 += Double($1.0 - $1.1) * Double($1.0 - $1.1)
      }
      let decibels = 10 * log10(signal / noise)
      print("\(what), \(image.height)×\(image.width), \(name): \(decibels) dB")
      // Maps of networks of random weights have single large values; what is read of them has not.
      let isLast = ["logits", "features", "embedding"].contains(name)
      #expect(decibels > (isLast ? 25 : 20), "\(what), \(name)")
    }
    for set in InstructionSet.available {
      for threads in [1, 3] {
        #expect(
          try outputs(file, image.bytes, threads: threads, on: set) == found, "\(what), \(set)")
      }
    }
  }

  private func outputs(
    _ file: [UInt8], _ image: [UInt8], threads: Int = 1, on set: InstructionSet = .best
  ) throws -> [String: [Float]] {
    let plan = LoadedPlan(file)
    var session = try Session(plan.plan(), threads: threads, instructionSet: set)
    session.run(image.span)
    var results: [String: [Float]] = [:]
    for index in 0..<session.plan.outputCount {
      let output = session.plan.output(at: index)
      var values = [Float](repeating: .nan, count: output.count)
      var room = values.mutableSpan
      session.read(output, into: &room)
      results[session.plan.name(of: output)] = values
    }
    return results
  }
}

/// Images of fixtures to calibrate with, other ones than those whose outputs are known.
private struct FamilyImages: ImageSource {
  let height, width, count: Int
  var description: String { "images of fixtures" }

  func pixels(_ index: Int, _ preprocessing: PreprocessingRecord) -> [UInt8] {
    FamilyFixture.image(number: 10 + index, height: height, width: width)
  }
}

extension FamilyFixture {
  /// The preprocessing of an image of its size.
  func preprocessing(_ size: Network.Extent) -> PreprocessingRecord {
    let size = ImageSize(height: size.height, width: size.width)
    return PreprocessingRecord(
      resize: size, crop: size, mean: SIMD3<Float>(SIMD3<Double>(mean)),
      std: SIMD3<Float>(SIMD3<Double>(std)))
  }
}
