// SPDX-License-Identifier: Apache-2.0

import CResNetKernels

extension HeadTrainer {
  /// Strengths are tried from the greatest of them, in units of the mean squared norm of the centred features, each a
  /// fraction of the one before.
  private static var greatestStrength: Double { 10 }
  private static var strengthStep: Double { 0.31622776601683794 }
  private static var strengthCount: Int { 13 }

  /// A solver of all rows.
  func makeSolver() -> HeadSolver {
    var problem = rn_logistic_args()
    problem.table = UnsafePointer(at(layout.coordinates, as: Float.self))
    problem.rows = UnsafePointer(at(layout.rows, as: UInt32.self))
    problem.labels = UnsafePointer(rowLabels)
    problem.logits = at(layout.logits)
    problem.rank = UInt32(rank)
    problem.classes = UInt32(size.classes)
    problem.lanes = UInt32(size.lanes)
    problem.absent = .max
    return HeadSolver(problem, norms: at(layout.norms), memory: at(layout.solver))
  }

  /// Lets a solver take the rows of the photos that are wanted.
  func take(_ solver: inout HeadSolver, where isWanted: (Int) -> Bool) {
    let rows = at(layout.rows, as: UInt32.self)
    var count = 0
    for photo in 0..<photoCount where isWanted(photo) {
      for view in 0..<size.views {
        rows[count] = UInt32(photo * size.views + view)
        count += 1
      }
    }
    solver.problem.count = UInt32(count)
  }

  /// Writes the logits of the photos that are wanted, without their mirror images, by place `[photo][lanes]`.
  func writeLogits(
    _ solver: inout HeadSolver, _ parameters: UnsafeMutablePointer<Float>,
    to places: UnsafeMutablePointer<Float>, where isWanted: (Int) -> Bool
  ) {
    let rows = at(layout.rows, as: UInt32.self)
    var count = 0
    for photo in 0..<photoCount where isWanted(photo) {
      rows[count] = UInt32(photo * size.views)
      count += 1
    }
    var problem = solver.problem
    problem.count = UInt32(count)
    problem.weights = UnsafePointer(parameters)
    problem.gradient = nil
    _ = rn_logistic_f32(&problem)
    for place in 0..<count {
      let photo = Int(rows[place]) / size.views
      (places + photo * size.lanes).update(
        from: problem.logits + place * size.lanes, count: size.lanes)
    }
  }

  /// Leaves out each fold in turn and keeps the logits of its photos; finds the strength with the least loss of them,
  /// unless it is given.
  ///
  /// Each fold starts a strength where it ended the one before: never from anything that has seen its photos. Once
  /// the loss has not become less three times, weaker penalties are not tried.
  mutating func crossValidate(
    _ solver: inout HeadSolver, _ foldCount: Int, _ given: Double?, _ found: inout TeachingResult
  ) throws(TeachingError) {
    let parameters = at(layout.foldParameters, as: Float.self)
    parameters.update(repeating: 0, count: foldCount * parameterCount)
    found.loss = .infinity
    var strength = given ?? HeadTrainer.greatestStrength * spread
    var worse = 0
    for _ in 0..<(given == nil ? HeadTrainer.strengthCount : 1) where worse < 3 {
      solver.strength = strength
      for fold in 0..<foldCount {
        let place = parameters + fold * parameterCount
        take(&solver) { Int(folds[$0]) != fold }
        let fit = solver.solve(place, tolerance: 1e-4, limit: 200)
        found.fits += 1
        found.iterations += fit.iterations
        writeLogits(&solver, place, to: logitsOfPhotos) { Int(folds[$0]) == fold }
      }
      let loss = meanLoss(logitsOfPhotos, at: 1)
      if loss < found.loss {
        found.loss = loss
        found.strength = strength
        at(layout.best, as: Float.self).update(from: logitsOfPhotos, count: photoCount * size.lanes)
        worse = 0
      } else {
        worse += 1
      }
      strength *= HeadTrainer.strengthStep
    }
    // Without one, no logits were kept.
    guard found.loss.isFinite else { throw .noFiniteLoss }
  }

  private var logitsOfPhotos: UnsafeMutablePointer<Float> { at(layout.current) }

  /// The factor of the logits with which the probabilities of photos left out can be believed (Guo et al., On
  /// Calibration of Modern Neural Networks, 2017), ¼…4.
  ///
  /// Each photo counts as one of its class but for one part in n + 2, as in Platt, Probabilistic Outputs for Support
  /// Vector Machines, 1999: few photos that are all right prove nothing about certainty.
  func calibration() -> Double {
    let logits = at(layout.best, as: Float.self)
    let doubt = 1 / Double(photoCount + 2)
    var (low, high) = (0.25, 4.0)
    for _ in 0..<40 {
      let middle = (low * high).squareRoot()
      var slope = 0.0
      for photo in 0..<photoCount {
        let row = logits + photo * size.lanes
        var derivative = 0.0
        _ = rn_cross_entropy(
          row, UInt32(size.classes), labels[photo], .max, middle, &derivative)
        var mean = 0.0
        for label in 0..<size.classes { mean += Double(row[label]) }
        mean /= Double(size.classes)
        slope += derivative + doubt * (Double(row[Int(labels[photo])]) - mean)
      }
      if slope > 0 { high = middle } else { low = middle }
    }
    return (low * high).squareRoot()
  }

  /// The mean loss of the photos left out at a factor of their logits.
  func bestLoss(at scale: Double) -> Double { meanLoss(at(layout.best), at: scale) }

  private func meanLoss(_ logits: UnsafeMutablePointer<Float>, at scale: Double) -> Double {
    var loss = 0.0
    for photo in 0..<photoCount {
      loss += rn_cross_entropy(
        logits + photo * size.lanes, UInt32(size.classes), labels[photo], .max, scale, nil)
    }
    return loss / Double(photoCount)
  }
}
