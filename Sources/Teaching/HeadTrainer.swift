// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import CResNetPlatform

/// Teaches a classifier with the features of labelled photos.
///
/// Multinomial logistic regression with an L2 penalty on the weights. How strong the penalty is, how far
/// probabilities can be believed and how often the head will be right is found out by cross-validation. The same
/// features in the same order give the same bits on every CPU.
///
/// ```swift
/// var trainer = try HeadTrainer(TeachingSize(photos: 40, features: 512, classes: 2))
/// for photo in photos { try trainer.add(photo.features, label: photo.label) }
/// let result = try trainer.train()
/// print(result.top1, result.interval)
/// ```
///
/// - **Allocates:** ``byteCount(_:)`` bytes in one block when it is made, if the caller gives none; nothing after that.
public struct HeadTrainer: ~Copyable {
  /// How much it was made for.
  public let size: TeachingSize
  /// The photos that were added.
  public private(set) var photoCount = 0
  /// What training found; nil before it.
  public private(set) var result: TeachingResult?

  let layout: TeachingLayout
  private let memory: UnsafeMutableRawPointer
  private let ownsMemory: Bool
  /// The coordinates of a row.
  private(set) var rank = 0
  /// The mean squared norm of the centred features.
  private(set) var spread = 0.0

  /// The bytes of memory that teaching takes.
  public static func byteCount(_ size: TeachingSize) -> Int { TeachingLayout(size).byteCount }

  /// Prepares the memory.
  ///
  /// - Parameters:
  ///   - size: the most that is to come.
  ///   - memory: at least ``byteCount(_:)`` bytes that outlive the trainer, aligned to 64; allocated if nil.
  /// - Throws: ``TeachingError/classCount(_:)``, ``TeachingError/photoCount(_:)``,
  ///   ``TeachingError/outOfMemory(bytes:)``.
  public init(
    _ size: TeachingSize, memory: UnsafeMutableRawBufferPointer? = nil
  ) throws(TeachingError) {
    try size.check()
    let layout = TeachingLayout(size)
    let given = memory?.baseAddress
    precondition(
      given == nil || memory!.count >= layout.byteCount, "memory of the size that was announced")
    guard let start = given ?? aligned_alloc(64, layout.byteCount) else {
      throw .outOfMemory(bytes: layout.byteCount)
    }
    self.memory = start
    ownsMemory = given == nil
    self.layout = layout
    self.size = size
  }

  deinit { if ownsMemory { free(memory) } }

  /// Adds a photo.
  ///
  /// - Parameters:
  ///   - features: as many as announced, of the photo and then of its mirror image if there are two views.
  ///   - label: the index of its class.
  /// - Throws: ``TeachingError/featureRange(photo:)``.
  public mutating func add(_ features: Span<Float>, label: Int) throws(TeachingError) {
    precondition(features.count == size.views * size.features, "features of every view")
    precondition(0..<size.classes ~= label && photoCount < size.photos, "what was announced")
    let place = self.features(ofPhoto: photoCount)
    for index in features.indices {
      guard features[index].magnitude <= TeachingSize.greatestFeature else {
        throw .featureRange(photo: photoCount)
      }
      place[index] = features[index]
    }
    labels[photoCount] = UInt32(label)
    photoCount += 1
  }

  /// The features of a photo, of all its views; before training as they were added.
  package func features(ofPhoto photo: Int) -> UnsafeMutablePointer<Float> {
    at(layout.features, as: Float.self) + photo * size.views * size.features
  }

  /// The class of a photo.
  package func label(ofPhoto photo: Int) -> Int { Int(labels[photo]) }

  /// The number of photos of a class that were added.
  public func photoCount(ofClass index: Int) -> Int {
    var count = 0
    for photo in 0..<photoCount where Int(labels[photo]) == index { count += 1 }
    return count
  }

  /// Calls `body` with photos of the same features and of different classes: the first of them, and the first of each
  /// other class. Before training, with photos that were added class by class.
  ///
  /// - Complexity: O(photos · log photos).
  package func forEachDuplicate(_ body: (_ first: Int, _ other: Int) -> Void) {
    // The rows of a fit, which are not needed yet.
    let order = UnsafeMutableBufferPointer(
      start: at(layout.rows, as: UInt32.self), count: photoCount)
    for photo in 0..<photoCount { order[photo] = UInt32(photo) }
    heapSort(order) { first, second in
      let difference = compareFeatures(first, second)
      return difference != 0 ? difference < 0 : first < second
    }
    var first = 0
    for place in 1..<max(photoCount, 1) {
      guard compareFeatures(order[first], order[place]) == 0 else {
        first = place
        continue
      }
      let label = labels[Int(order[place])]
      if label != labels[Int(order[place - 1])] { body(Int(order[first]), Int(order[place])) }
    }
  }

  private func compareFeatures(_ first: UInt32, _ second: UInt32) -> Int32 {
    memcmp(
      features(ofPhoto: Int(first)), features(ofPhoto: Int(second)),
      size.features * MemoryLayout<Float>.stride)
  }

  /// Learns the classes. It is done once; the features are not what they were afterwards.
  ///
  /// - Parameters:
  ///   - strength: what the squared weights are multiplied by, above 0; found by cross-validation if nil.
  ///   - rejects: the share of the photos, 0…1, that the rule for strangers may reject though they are of the
  ///     classes; only if the size says that there is such a rule.
  /// - Throws: ``TeachingError/photosOfClass(_:found:)``, ``TeachingError/allEqual``,
  ///   ``TeachingError/noFiniteLoss``.
  /// - **Allocates:** nothing.
  public mutating func train(
    strength: Double? = nil, rejects: Double = 0.02
  ) throws(TeachingError) -> TeachingResult {
    precondition(result == nil, "one training")
    try countClasses()
    if size.findsStrangers { findLikeness() }
    centre()
    try findCoordinates()
    for row in 0..<rows { rowLabels[row] = labels[row / size.views] }

    let folds = Folds(
      labels: UnsafeBufferPointer(start: labels, count: photoCount), classCounts: classCounts,
      folds: self.folds)
    var found = TeachingResult()
    found.photos = photoCount
    found.folds = folds.count
    found.rank = rank
    var solver = makeSolver()
    try crossValidate(&solver, folds.count, strength, &found)
    found.temperature = 1 / calibration()
    found.calibratedLoss = bestLoss(at: 1 / found.temperature)
    for photo in 0..<photoCount {
      let verdict = verdict(ofPhoto: photo, temperature: found.temperature)
      at(layout.verdicts, as: Verdict.self)[photo] = verdict
      if verdict.best == verdict.label { found.right += 1 }
    }
    solver.strength = found.strength
    take(&solver) { _ in true }
    let parameters = at(layout.foldParameters, as: Float.self)
    parameters.update(repeating: 0, count: parameterCount)
    let fit = solver.solve(parameters, tolerance: 1e-7, limit: 1000)
    guard fit.objective.isFinite else { throw .noFiniteLoss }
    found.fits += 1
    found.iterations += fit.iterations
    let penalty = rn_dot_f32(parameters, parameters, UInt32(rank * size.lanes))
    found.trainingLoss = (fit.objective - 0.5 * found.strength * penalty) / Double(rows)
    findWeights(parameters, scale: 1 / found.temperature)
    if size.findsStrangers {
      found.strangers = strangerRule(&solver, parameters, rejects, &found)
    }
    result = found
    return found
  }

  /// The head that was taught; valid as long as the trainer lives.
  public var head: LinearHead {
    let count = size.classes * size.features
    return LinearHead(
      weights: UnsafeBufferPointer(start: at(layout.weights), count: count),
      bias: UnsafeBufferPointer(start: at(layout.bias), count: size.classes),
      classDirections: UnsafeBufferPointer(
        start: at(layout.classMeans), count: size.findsStrangers ? count : 0))
  }

  /// What the head says of a photo when it is left out.
  public func verdict(ofPhoto photo: Int) -> Verdict {
    precondition(result != nil && photo < photoCount, "a photo that was taught")
    return at(layout.verdicts, as: Verdict.self)[photo]
  }

  private func verdict(ofPhoto photo: Int, temperature: Double) -> Verdict {
    let logits = at(layout.best, as: Float.self) + photo * size.lanes
    var best: UInt32 = 0
    let greatest = rn_best_probability(
      logits, UInt32(size.classes), .max, 1 / temperature, &best)
    let label = Int(labels[photo])
    let loss = rn_cross_entropy(
      logits, UInt32(size.classes), UInt32(label), .max, 1 / temperature, nil)
    let isRight = Int(best) == label
    return Verdict(
      label: label, best: Int(best), probability: isRight ? greatest : rn_probability_of_loss(loss),
      bestProbability: greatest)
  }
}

// MARK: - The memory

extension HeadTrainer {
  /// The rows of features: all views of the photos that were added.
  var rows: Int { photoCount * size.views }
  var parameterCount: Int { (rank + 1) * size.lanes }

  func at<Element>(_ offset: Int, as _: Element.Type = Element.self) -> UnsafeMutablePointer<
    Element
  > {
    (memory + offset).assumingMemoryBound(to: Element.self)
  }
  var labels: UnsafeMutablePointer<UInt32> { at(layout.labels) }
  var rowLabels: UnsafeMutablePointer<UInt32> { at(layout.rowLabels) }
  var folds: UnsafeMutablePointer<UInt32> { at(layout.folds) }
  var classCounts: UnsafeMutableBufferPointer<Int> {
    UnsafeMutableBufferPointer(start: at(layout.classCounts), count: 2 * size.classes)
  }
}

// MARK: - The features

extension HeadTrainer {
  private func countClasses() throws(TeachingError) {
    guard photoCount >= 2 else { throw .photoCount(photoCount) }
    for index in 0..<size.classes { classCounts[index] = 0 }
    for photo in 0..<photoCount { classCounts[Int(labels[photo])] += 1 }
    for index in 0..<size.classes where classCounts[index] < 2 {
      throw .photosOfClass(index, found: classCounts[index])
    }
  }

  /// Takes the mean off the features: biases have no penalty, so the head is the same and is found sooner.
  private func centre() {
    let (means, features) = (at(layout.means, as: Double.self), at(layout.features, as: Float.self))
    for index in 0..<size.features { means[index] = 0 }
    for row in 0..<rows {
      for index in 0..<size.features {
        means[index] += Double(features[row * size.features + index])
      }
    }
    for index in 0..<size.features { means[index] /= Double(rows) }
    for row in 0..<rows {
      for index in 0..<size.features {
        let place = row * size.features + index
        features[place] = Float(Double(features[place]) - means[index])
      }
    }
  }

  private mutating func findCoordinates() throws(TeachingError) {
    rank = size.features
    if size.isReduced {
      let coordinates = RowCoordinates(
        rows: at(layout.features), count: rows, features: size.features,
        coordinates: at(layout.coordinates), pivots: at(layout.pivots),
        remainders: at(layout.remainders))
      rank = coordinates.find()
    }
    let (norms, coordinates) = (
      at(layout.norms, as: Float.self), at(layout.coordinates, as: Float.self)
    )
    var all = 0.0
    let sums = at(layout.sums, as: Double.self)
    for index in 0..<rank { sums[index] = 0 }
    for row in 0..<rows {
      for index in 0..<rank {
        let value = Double(coordinates[row * rank + index])
        sums[index] += value * value
      }
    }
    for index in 0..<rank {
      norms[index] = Float(sums[index])
      all += sums[index]
    }
    norms[rank] = Float(rows)
    guard all > 0, all.isFinite else { throw .allEqual }
    spread = all / Double(rows)
  }

  /// Turns parameters of coordinates into weights of features.
  private func findWeights(_ parameters: UnsafeMutablePointer<Float>, scale: Double) {
    let (lanes, classes, features) = (size.lanes, size.classes, size.features)
    let sums = at(layout.sums, as: Double.self)
    if size.isReduced { solveDual(parameters) }
    for label in 0..<classes {
      if size.isReduced {
        let (dual, pivots) = (
          at(layout.dual, as: Double.self), at(layout.pivots, as: UInt32.self)
        )
        for index in 0..<features { sums[index] = 0 }
        for place in 0..<rank {
          let row = at(layout.features, as: Float.self) + Int(pivots[place]) * features
          let factor = dual[place * classes + label]
          for index in 0..<features { sums[index] += factor * Double(row[index]) }
        }
      } else {
        for index in 0..<features { sums[index] = Double(parameters[index * lanes + label]) }
      }
      var bias = Double(parameters[rank * lanes + label])
      let (weights, means) = (
        at(layout.weights, as: Float.self) + label * features, at(layout.means, as: Double.self)
      )
      for index in 0..<features {
        bias -= sums[index] * means[index]
        weights[index] = Float(scale * sums[index])
      }
      at(layout.bias, as: Float.self)[label] = Float(scale * bias)
    }
  }

  /// The multiples of the pivots' rows whose sums are the weights: the transposed factor solved for the parameters.
  private func solveDual(_ parameters: UnsafeMutablePointer<Float>) {
    let (dual, pivots) = (at(layout.dual, as: Double.self), at(layout.pivots, as: UInt32.self))
    let coordinates = at(layout.coordinates, as: Float.self)
    let (classes, lanes) = (size.classes, size.lanes)
    for place in 0..<rank {
      for label in 0..<classes {
        dual[place * classes + label] = Double(parameters[place * lanes + label])
      }
    }
    for place in stride(from: rank - 1, through: 0, by: -1) {
      let row = coordinates + Int(pivots[place]) * rank
      for label in 0..<classes { dual[place * classes + label] /= Double(row[place]) }
      for earlier in 0..<place {
        let factor = Double(row[earlier])
        for label in 0..<classes {
          dual[earlier * classes + label] -= factor * dual[place * classes + label]
        }
      }
    }
  }
}
