// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import CResNetPlatform

/// Finds the weights of multinomial logistic regression with L-BFGS (Nocedal, Updating Quasi-Newton Matrices with
/// Limited Storage, 1980).
///
/// The objective is the sum of the rows' losses and half the strength times the squared weights, without the biases:
/// scikit-learn's with C = 1 / strength. It is convex, so there is one minimum. Each sum has a defined order, so each
/// step has the same bits on every CPU.
struct HeadSolver {
  /// Vectors of parameters that it works with.
  static var vectorCount: Int { 5 + 2 * history }
  /// Pairs of steps and changes of the gradient that it remembers.
  private static var history: Int { 6 }

  /// The rows, their labels and the class that takes no part.
  var problem: rn_logistic_args
  /// What the squared weights are multiplied by, above 0.
  var strength = 1.0

  private let count: Int
  private let lanes: Int
  private let norms: UnsafeMutablePointer<Float>
  private let memory: UnsafeMutablePointer<Float>
  private var point, gradient, nextPoint, nextGradient: UnsafeMutablePointer<Float>
  private let direction: UnsafeMutablePointer<Float>

  /// - Parameters:
  ///   - problem: without weights and gradient.
  ///   - norms: the squared norm of each coordinate over all rows, and the number of rows.
  ///   - memory: room for ``vectorCount`` vectors of (rank + 1) · lanes numbers.
  init(
    _ problem: rn_logistic_args, norms: UnsafeMutablePointer<Float>,
    memory: UnsafeMutablePointer<Float>
  ) {
    self.problem = problem
    self.norms = norms
    self.memory = memory
    lanes = Int(problem.lanes)
    count = (Int(problem.rank) + 1) * lanes
    point = memory
    gradient = memory + count
    nextPoint = memory + 2 * count
    nextGradient = memory + 3 * count
    direction = memory + 4 * count
  }

  /// The steps between points, and what the gradient changed by.
  private func step(_ index: Int) -> UnsafeMutablePointer<Float> {
    memory + (5 + 2 * (index % HeadSolver.history)) * count
  }
  private func change(_ index: Int) -> UnsafeMutablePointer<Float> { step(index) + count }

  /// Moves parameters to the minimum.
  ///
  /// - Parameters:
  ///   - parameters: weights `[rank][lanes]` and biases `[lanes]`; where to start and where it ended.
  ///   - tolerance: it ends where the objective can fall by no more than this share, as far as the curvature that
  ///     it has seen tells.
  ///   - limit: the most iterations.
  /// - Returns: the objective, and the iterations that it took.
  mutating func solve(
    _ parameters: UnsafeMutablePointer<Float>, tolerance: Double, limit: Int
  ) -> (objective: Double, iterations: Int) {
    point.update(from: parameters, count: count)
    var objective = evaluate(point, gradient)
    var (remembered, first, iterations) = (0, 0, 0)
    while iterations < limit {
      findDirection(first, remembered)
      let slope = dot(direction, gradient)
      guard slope > 2 * tolerance * objective,
        let lower = search(from: objective, slope: slope)
      else { break }
      objective = lower
      iterations += 1
      let (step, change) = (step(remembered), change(remembered))
      for index in 0..<count {
        step[index] = nextPoint[index] - point[index]
        change[index] = nextGradient[index] - gradient[index]
      }
      // Rounding may hide the curvature of a very short step, which then is not remembered.
      if dot(step, change) > 0 {
        remembered += 1
        first = max(first, remembered - HeadSolver.history)
      }
      swap(&point, &nextPoint)
      swap(&gradient, &nextGradient)
    }
    parameters.update(from: point, count: count)
    return (objective, iterations)
  }

  /// Goes along the direction until the objective falls enough (Armijo's rule). Nil if it does not.
  private mutating func search(from objective: Double, slope: Double) -> Double? {
    var length = 1.0
    for _ in 0..<10 {
      let scale = Float(length)
      for index in 0..<count { nextPoint[index] = point[index] - scale * direction[index] }
      let found = evaluate(nextPoint, nextGradient)
      if found <= objective - 1e-4 * length * slope { return found }
      // The minimum of the parabola through both values and the slope.
      let bend = (found - objective + slope * length) / (length * length)
      let lowest = bend > 0 ? slope / (2 * bend) : 0
      length = min(max(lowest, 0.1 * length), 0.5 * length)
    }
    return nil
  }

  /// The inverse of the remembered curvature times the gradient.
  ///
  /// Before anything is remembered, the curvature is taken to be diagonal: each coordinate's norm times the variance
  /// of a label among equally probable classes, and the strength.
  private func findDirection(_ first: Int, _ remembered: Int) {
    direction.update(from: gradient, count: count)
    var shares = InlineArray<6, Double>(repeating: 0)
    for index in stride(from: remembered - 1, through: first, by: -1) {
      let share = dot(step(index), direction) / dot(step(index), change(index))
      shares[index - first] = share
      add(-share, change(index))
    }
    let classes = Double(problem.classes)
    let variance = (classes - 1) / (classes * classes)
    var scale = 1.0
    if remembered > first {
      let last = remembered - 1
      var weighted = 0.0
      for row in 0...Int(problem.rank) {
        let part = change(last) + row * lanes
        weighted += diagonal(row, variance) * rn_dot_f32(part, part, UInt32(lanes))
      }
      scale = dot(step(last), change(last)) / weighted
    }
    for row in 0...Int(problem.rank) {
      let factor = Float(scale * diagonal(row, variance))
      for index in row * lanes..<(row + 1) * lanes { direction[index] *= factor }
    }
    for index in first..<max(first, remembered) {
      let share = dot(change(index), direction) / dot(step(index), change(index))
      add(shares[index - first] - share, step(index))
    }
  }

  private func diagonal(_ row: Int, _ variance: Double) -> Double {
    let strength = row < Int(problem.rank) ? strength : 0
    return 1 / (variance * Double(norms[row]) + strength)
  }

  private mutating func evaluate(
    _ parameters: UnsafeMutablePointer<Float>, _ gradient: UnsafeMutablePointer<Float>
  ) -> Double {
    problem.weights = UnsafePointer(parameters)
    problem.gradient = gradient
    let loss = rn_logistic_f32(&problem)
    let weights = count - lanes
    let scale = Float(strength)
    for index in 0..<weights { gradient[index] += scale * parameters[index] }
    return loss + 0.5 * strength * rn_dot_f32(parameters, parameters, UInt32(weights))
  }

  private func dot(
    _ first: UnsafeMutablePointer<Float>, _ second: UnsafeMutablePointer<Float>
  ) -> Double { rn_dot_f32(first, second, UInt32(count)) }

  private func add(_ scale: Double, _ vector: UnsafeMutablePointer<Float>) {
    let scale = Float(scale)
    for index in 0..<count { direction[index] += scale * vector[index] }
  }
}
