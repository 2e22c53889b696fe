// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetImages
import ResNetPlanFormat
import ResNetRuntime
import TestPlans
import Testing

@Suite struct ClassifierTests {
  private static let size = 64

  /// A plan of ten classes.
  private func load(classNames: [String] = []) throws -> LoadedPlan {
    LoadedPlan(
      try TestNetwork.basic.plan(inputSize: .init(Self.size)) { $0.classNames = classNames })
  }

  private func names() -> [String] {
    (0..<TestNetwork.basic.config.outputDimension).map { "n0\($0) größe \($0)" }
  }

  @Test func stringsOfThePlan() throws {
    let file = try load(classNames: names())
    let plan = try file.plan()
    #expect(plan.classNames == names())
    #expect(plan.provenance.contains("made: test"))
    let unnamed = try load()
    #expect(try unnamed.plan().classNames.isEmpty)
  }

  @Test func guessesAreTheSessionsLogitsInOrder() throws {
    let file = try load(classNames: names())
    let image = testImage(Self.size, seed: 5)
    var session = try Session(file.plan())
    session.run(image.span)
    var classifier = try Classifier(file.plan())
    let result = classifier.classify(image.span)
    #expect(result.logits == Array(session.logits))
    #expect(session.withLogits { $0.count } == names().count)
    #expect(abs(result.probabilities.reduce(0, +) - 1) < 1e-5)
    let order = result.logits.indices.sorted {
      (result.logits[$1], $0) < (result.logits[$0], $1)
    }
    let guesses = result.top(3)
    #expect(guesses.map(\.index) == Array(order.prefix(3)))
    #expect(guesses.map(\.label) == order.prefix(3).map { names()[$0] })
    #expect(guesses.map(\.probability) == order.prefix(3).map { result.probabilities[$0] })
    #expect(result.top(0).isEmpty)
    #expect(result.top(1000).map(\.index) == order)
  }

  @Test func classesWithoutNamesAreNumbered() throws {
    let file = try load()
    var classifier = try Classifier(file.plan())
    let guess = try #require(classifier.classify(testImage(Self.size, seed: 6).span).top(1).first)
    #expect(guess.label == "class \(guess.index)")
  }

  @Test func imagesAreResizedAndCroppedAsThePlanSays() throws {
    let file = try load(classNames: names())
    let (width, height) = (90, 120)
    let pixels = (0..<3 * width * height).map {
      UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 9)
    }
    let image = try RGBImage(pixels: pixels.span, width: width, height: height)
    #expect(image.withPixels { $0.count } == pixels.count)
    var classifier = try Classifier(file.plan())
    #expect(classifier.preprocessing.resize == ImageSize(Self.size + 8))
    let prepared = try preprocessed(image, classifier.preprocessing)
    let expected = classifier.classify(prepared.bytes.span).logits
    #expect(classifier.classify(testImage(Self.size, seed: 7).span).logits != expected)
    #expect(try classifier.classify(image).logits == expected)
  }

  @Test func filesAreClassifiedLikeTheirImages() throws {
    let file = try load()
    let path = Fixtures.folder.appending(path: "decode/bad-exif-bytes.jpg").path
    var classifier = try Classifier(file.plan())
    let expected = try classifier.classify(RGBImage(path: path)).logits
    #expect(try classifier.classify(contentsOf: path).logits == expected)
    #expect(throws: ImageError.self) {
      var classifier = try Classifier(file.plan())
      _ = try classifier.classify(contentsOf: path + ".missing")
    }
  }
}
