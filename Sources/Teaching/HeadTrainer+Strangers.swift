// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetPlanFormat

extension HeadTrainer {
  /// Finds the mean features of the classes, and the cosine between the features of each photo and each mean; the
  /// photo's own class is taken without it.
  func findLikeness() {
    let (means, counts) = (at(layout.classMeans, as: Float.self), classCounts)
    let sums = at(layout.sums, as: Double.self)
    for label in 0..<size.classes {
      for index in 0..<size.features { sums[index] = 0 }
      for photo in 0..<photoCount where Int(labels[photo]) == label {
        let features = features(ofPhoto: photo)
        for index in 0..<size.features { sums[index] += Double(features[index]) }
      }
      for index in 0..<size.features {
        means[label * size.features + index] = Float(sums[index] / Double(counts[label]))
      }
    }
    for photo in 0..<photoCount {
      let features = features(ofPhoto: photo)
      let own = rn_dot_f32(features, features, UInt32(size.features))
      for label in 0..<size.classes {
        let mean = means + label * size.features
        var product = rn_dot_f32(features, mean, UInt32(size.features))
        var square = rn_dot_f32(mean, mean, UInt32(size.features))
        if Int(labels[photo]) == label {
          // The sum of the others: n means less this one.
          let count = Double(counts[label])
          square = count * count * square - 2 * count * product + own
          product = count * product - own
        }
        let norms = (own * square).squareRoot()
        at(layout.similarities, as: Float.self)[photo * size.classes + label] =
          norms > 0 ? Float(product / norms) : 0
      }
    }
    for label in 0..<size.classes {
      let mean = means + label * size.features
      let norm = rn_dot_f32(mean, mean, UInt32(size.features)).squareRoot()
      guard norm > 0 else { continue }
      for index in 0..<size.features { mean[index] = Float(Double(mean[index]) / norm) }
    }
  }

  /// Chooses between probability and likeness by what they catch of strangers, at thresholds that reject as many
  /// photos of the classes.
  ///
  /// There are no photos of strangers, so each class in turn is one: the head is taught without it.
  mutating func strangerRule(
    _ solver: inout HeadSolver, _ parameters: UnsafeMutablePointer<Float>, _ rejects: Double,
    _ found: inout TeachingResult
  ) -> StrangerRule {
    let scores = at(layout.scores, as: Double.self)
    let known = (probability: scores, likeness: scores + photoCount)
    let strange = (probability: scores + 2 * photoCount, likeness: scores + 3 * photoCount)
    for photo in 0..<photoCount {
      known.probability[photo] = bestProbability(at(layout.best), photo, nil, found.temperature)
      known.likeness[photo] = likeness(photo, except: nil)
      strange.likeness[photo] = likeness(photo, except: Int(labels[photo]))
      // A head of one class is always certain of it.
      strange.probability[photo] = 1
    }
    for label in 0..<(size.classes > 2 ? size.classes : 0) {
      solver.problem.absent = UInt32(label)
      take(&solver) { Int(labels[$0]) != label }
      for row in 0...rank { parameters[row * size.lanes + label] = 0 }
      let fit = solver.solve(parameters, tolerance: 1e-4, limit: 200)
      found.fits += 1
      found.iterations += fit.iterations
      writeLogits(&solver, parameters, to: at(layout.current)) { Int(labels[$0]) == label }
      for photo in 0..<photoCount where Int(labels[photo]) == label {
        strange.probability[photo] = bestProbability(
          at(layout.current), photo, label, found.temperature)
      }
    }
    solver.problem.absent = .max
    // 29 % of 100 are 28.999999999999996 in float64.
    let allowed = min(Int(rejects * Double(photoCount) + 1e-9), photoCount - 1)
    let probability = threshold(known.probability, allowed)
    let likeness = threshold(known.likeness, allowed)
    let caught = (
      share(strange.probability, below: probability), share(strange.likeness, below: likeness)
    )
    let score = caught.1 > caught.0 ? StrangerScore.likeness : .probability
    return StrangerRule(
      score: score, threshold: score == .likeness ? likeness : probability,
      falseRejects: score == .likeness
        ? share(known.likeness, below: likeness) : share(known.probability, below: probability),
      caughtByProbability: caught.0, caughtByLikeness: caught.1)
  }

  private func bestProbability(
    _ logits: UnsafeMutablePointer<Float>, _ photo: Int, _ absent: Int?, _ temperature: Double
  ) -> Double {
    var best: UInt32 = 0
    return rn_best_probability(
      logits + photo * size.lanes, UInt32(size.classes), absent.map { UInt32($0) } ?? .max,
      1 / temperature, &best)
  }

  private func likeness(_ photo: Int, except absent: Int?) -> Double {
    let similarities = at(layout.similarities, as: Float.self) + photo * size.classes
    var greatest: Float = -1
    for label in 0..<size.classes where label != absent {
      greatest = max(greatest, similarities[label])
    }
    return Double(greatest)
  }

  private func share(_ scores: UnsafeMutablePointer<Double>, below threshold: Double) -> Double {
    var count = 0
    for photo in 0..<photoCount where scores[photo] < threshold { count += 1 }
    return Double(count) / Double(photoCount)
  }

  /// The greatest threshold, in float32, below which at most `allowed` scores lie, by more than rounding: whoever
  /// computes a score again may find it a little less. It sorts the scores.
  private func threshold(_ scores: UnsafeMutablePointer<Double>, _ allowed: Int) -> Double {
    let sorted = UnsafeMutableBufferPointer(start: scores, count: photoCount)
    heapSort(sorted, <)
    // Below it are those before it, or fewer if there are equal ones.
    let threshold = max(sorted[allowed], -1)
    return Double(Float(threshold - 1e-5))
  }
}
