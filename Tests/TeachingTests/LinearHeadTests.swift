// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetTeaching
import Testing

/// Heads against scikit-learn's LogisticRegression, and what is refused.
@Suite struct LinearHeadTests {
  @Test(
    "loss and accuracy are those of scikit-learn",
    arguments: ["few", "many", "two", "imagenette", "rotation"])
  func golden(_ name: String) throws {
    let golden = try Golden(name)
    for fit in golden.fits {
      var trainer = try golden.trainer()
      let result = try trainer.train(strength: fit.strength)
      let scale = result.temperature
      let training = trainer.head.score(golden.training, scale: scale)
      let test = trainer.head.score(golden.test, scale: scale)
      let accuracy = Double(test.right) / Double(golden.test.labels.count)
      #expect(abs(training.loss / fit.trainingLoss - 1) < 0.01)
      #expect(abs(test.loss / fit.testLoss - 1) < 0.01)
      #expect(abs(accuracy - fit.testAccuracy) <= 0.005)
      // What the weights of features give is what the fit in other coordinates said.
      #expect(abs(training.loss - result.trainingLoss) < 1e-5)
    }
  }

  @Test("the strength that cross-validation finds serves as well as the best of scikit-learn's")
  func strength() throws {
    let golden = try Golden("imagenette")
    var trainer = try golden.trainer()
    let result = try trainer.train()
    let test = trainer.head.score(golden.test, scale: 1)
    let best = golden.fits.map(\.testAccuracy).max()!
    #expect(Double(test.right) / Double(golden.test.labels.count) > best - 0.005)
    #expect(result.interval.contains(result.top1))
    #expect(result.folds == 10)
  }

  @Test("calibrated probabilities lose less on photos that nobody has seen")
  func calibration() throws {
    let golden = try Golden("rotation")
    var trainer = try golden.trainer()
    // Far too weak a penalty: the fit is much too certain.
    let result = try trainer.train(strength: 0.08)
    let calibrated = trainer.head.score(golden.test, scale: 1).loss
    #expect(result.temperature > 1.5)
    #expect(calibrated < trainer.head.score(golden.test, scale: result.temperature).loss - 0.2)
    #expect(result.calibratedLoss < result.loss)
  }

  @Test("the same photos give the same bits, in memory of the caller too")
  func bits() throws {
    let golden = try Golden("few")
    var first = try golden.trainer(findsStrangers: true)
    let result = try first.train()
    let size = first.size
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: HeadTrainer.byteCount(size), alignment: 64)
    defer { memory.deallocate() }
    memory.copyBytes(from: (0..<memory.count).map { UInt8(truncatingIfNeeded: $0 &* 37) })
    var second = try HeadTrainer(size, memory: memory)
    for (features, label) in zip(golden.training.features, golden.training.labels) {
      try second.add(features.span, label: label)
    }
    #expect(try second.train() == result)
    #expect(first.head.weights.elementsEqual(second.head.weights))
    #expect(first.head.bias.elementsEqual(second.head.bias))
  }

  @Test("known bits: of every CPU and level the same")
  func knownBits() throws {
    let golden = try Golden("few")
    var trainer = try golden.trainer()
    _ = try trainer.train(strength: 3)
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for value in Array(trainer.head.weights) + Array(trainer.head.bias) {
      for byte in 0..<4 {
        hash = (hash ^ UInt64(value.bitPattern >> UInt32(8 * byte) & 0xFF)) &* 0x100_0000_01B3
      }
    }
    #expect(hash == 0x863D_458D_834D_87FF)
  }

  @Test("leave-one-out of few photos, folds of more, each photo once")
  func folds() throws {
    let few = try Golden("few")
    var small = try few.trainer()
    let result = try small.train()
    #expect(result.folds == few.training.labels.count)
    #expect((0..<result.photos).count { small.verdict(ofPhoto: $0).isRight } == result.right)
    var large = try Golden("many").trainer()
    #expect(try large.train().folds == 10)
  }

  @Test("photos left out have not been seen: noise is named right no more often than by chance")
  func noise() throws {
    var random = SplitMix(state: 3)
    let labels = (0..<120).map { $0 % 2 }
    let photos = Golden.Photos(
      features: labels.map { _ in (0..<200).map { _ in Float.random(in: 0...1, using: &random) } },
      labels: labels)
    var trainer = try makeTrainer(photos, classes: 2)
    let result = try trainer.train()
    #expect(result.interval.contains(0.5))
  }

  @Test("mirror images are learned and never asked")
  func views() throws {
    let golden = try Golden("few")
    // The mirror image of a photo with its own features changes nothing but the weight of the penalty.
    let doubled = Golden.Photos(
      features: golden.training.features.map { $0 + $0 }, labels: golden.training.labels)
    var plain = try golden.trainer()
    var mirrored = try makeTrainer(doubled, classes: golden.classes, views: 2)
    let (one, two) = (try plain.train(strength: 3), try mirrored.train(strength: 6))
    #expect(one.photos == two.photos && abs(one.loss - two.loss) < 0.01)
    #expect(abs(one.trainingLoss - two.trainingLoss) < 1e-5)
  }

  @Test("strangers are caught by the rule that catches more, and few photos are lost")
  func strangers() throws {
    let golden = try Golden("imagenette")
    var trainer = try golden.trainer(findsStrangers: true)
    let rule = try #require(try trainer.train(rejects: 0.05).strangers)
    #expect(rule.falseRejects <= 0.05)
    #expect(rule.caughtByLikeness > rule.caughtByProbability)
    #expect(rule.score == .likeness)
    #expect(trainer.head.classDirections.count == trainer.head.weights.count)
  }

  @Test("what cannot be learned is refused")
  func refused() throws {
    func size(_ photos: Int, _ classes: Int) -> TeachingSize {
      TeachingSize(photos: photos, features: 4, classes: classes)
    }
    expectError(.classCount(1)) { _ = try HeadTrainer(size(9, 1)) }
    expectError(.photoCount(1)) { _ = try HeadTrainer(size(1, 2)) }
    let some: [[Float]] = [[1, 2, 3, 4], [4, 3, 2, 1], [0, 1, 0, 1], [2, 2, 0, 0]]
    func train(_ features: [[Float]], _ labels: [Int]) throws(TeachingError) {
      var trainer = try HeadTrainer(size(features.count, 2))
      for (features, label) in zip(features, labels) {
        try trainer.add(features.span, label: label)
      }
      _ = try trainer.train()
    }
    expectError(.photosOfClass(1, found: 1)) { try train(some, [0, 0, 0, 1]) }
    expectError(.photosOfClass(0, found: 0)) { try train(some, [1, 1, 1, 1]) }
    expectError(.allEqual) { try train(Array(repeating: some[0], count: 4), [0, 0, 1, 1]) }
    expectError(.featureRange(photo: 1)) { try train([some[0], [1, .nan, 1, 1]], [0, 1]) }
    expectError(.featureRange(photo: 0)) { try train([[1, .infinity, 1, 1], some[0]], [0, 1]) }
    for value: Float in [1.1e15, -1e16, .greatestFiniteMagnitude] {
      expectError(.featureRange(photo: 0)) { try train([[1, value, 1, 1], some[0]], [0, 1]) }
    }
    #expect(throws: Never.self) { try train(some, [0, 0, 1, 1]) }
  }

  @Test("features of any size that is taken give finite heads")
  func finite() throws {
    for scale: Float in [1e-20, 1e-6, 1, 1e6, TeachingSize.greatestFeature / 2] {
      let photos = Golden.Photos(
        features: [[1, 2, 0], [2, 1, 0], [0, 1, 0], [1, 0, 0], [1, 2, 0]].map {
          $0.map { $0 * scale }
        },
        labels: [0, 0, 1, 1, 0])
      var trainer = try makeTrainer(photos, classes: 2, findsStrangers: true)
      let result = try trainer.train()
      #expect(result.loss.isFinite && result.trainingLoss.isFinite)
      #expect(trainer.head.weights.allSatisfy { $0.isFinite })
      #expect(trainer.head.bias.allSatisfy { $0.isFinite })
    }
  }

  private func expectError(
    _ expected: TeachingError, _ body: () throws -> Void
  ) {
    #expect(throws: expected) { try body() }
  }
}

extension Verdict {
  var isRight: Bool { best == label }
}

/// Steele et al., Fast Splittable Pseudorandom Number Generators, 2014.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
