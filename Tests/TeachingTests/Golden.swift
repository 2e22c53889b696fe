// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetTeaching

/// Features, and what scikit-learn's LogisticRegression finds for them: what `make_goldens.py` writes.
struct Golden {
  /// Vectors of features, and the class of each.
  struct Photos {
    let features: [[Float]]
    let labels: [Int]
  }

  /// What is found with one strength of the penalty.
  struct Fit {
    let strength, trainingLoss, testLoss, testAccuracy: Double
  }

  let training, test: Photos
  let featureCount, classes: Int
  let fits: [Fit]

  init(_ name: String) throws {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/\(name).golden")
    var bytes = try Data(contentsOf: url)[...]
    func numbers(_ count: Int) -> [Float] {
      defer { bytes = bytes.dropFirst(4 * count) }
      return bytes.withUnsafeBytes { bytes in
        (0..<count).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
      }
    }
    func take(_ count: Int) -> [UInt8] {
      defer { bytes = bytes.dropFirst(count) }
      return Array(bytes.prefix(count))
    }
    let header = numbers(6)
    let counts = header.prefix(5).map { Int($0) }
    fits = (0..<counts[4]).map { _ in
      let found = numbers(4).map { Double($0) }
      return Fit(
        strength: found[0], trainingLoss: found[1], testLoss: found[2], testAccuracy: found[3])
    }
    func photos(_ count: Int) -> Photos {
      Photos(
        features: (0..<count).map { _ in take(counts[2]).map { Float($0) * header[5] } },
        labels: take(count).map { Int($0) })
    }
    training = photos(counts[0])
    test = photos(counts[1])
    featureCount = counts[2]
    classes = counts[3]
  }

  /// A trainer with the photos to learn from.
  func trainer(findsStrangers: Bool = false) throws -> HeadTrainer {
    try makeTrainer(training, classes: classes, findsStrangers: findsStrangers)
  }
}

/// A trainer with some photos.
func makeTrainer(
  _ photos: Golden.Photos, classes: Int, views: Int = 1, findsStrangers: Bool = false
) throws -> HeadTrainer {
  var trainer = try HeadTrainer(
    TeachingSize(
      photos: photos.labels.count, views: views, features: photos.features[0].count / views,
      classes: classes, findsStrangers: findsStrangers))
  for (features, label) in zip(photos.features, photos.labels) {
    try trainer.add(features.span, label: label)
  }
  return trainer
}

extension LinearHead {
  /// The mean loss of photos at a factor of the logits, and how many of them are named right.
  func score(_ photos: Golden.Photos, scale: Double) -> (loss: Double, right: Int) {
    var (loss, right) = (0.0, 0)
    for (features, label) in zip(photos.features, photos.labels) {
      let logits = (0..<classCount).map { row in
        zip(features, weights[row * featureCount..<(row + 1) * featureCount]).reduce(
          Double(bias[row])
        ) { $0 + Double($1.0) * Double($1.1) } * scale
      }
      let greatest = logits.max()!
      loss += log(logits.reduce(0) { $0 + exp($1 - greatest) }) - (logits[label] - greatest)
      if logits.firstIndex(of: greatest) == label { right += 1 }
    }
    return (loss / Double(photos.labels.count), right)
  }
}
