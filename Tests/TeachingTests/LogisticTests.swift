// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import Testing

/// The pass of logistic regression against its definition.
@Suite struct LogisticTests {
  /// A random problem.
  private struct Problem {
    var table, weights: [Float]
    var rows, labels: [UInt32]
    var classes, absent: UInt32

    init(_ random: inout SplitMix) {
      let (count, rank) = (
        Int.random(in: 1...40, using: &random), Int.random(in: 1...60, using: &random)
      )
      let classes = UInt32.random(in: 2...40, using: &random)
      self.classes = classes
      absent = Bool.random(using: &random) ? 0 : .max
      let lanes = (Int(classes) + 3) / 4 * 4
      func floats(_ count: Int) -> [Float] {
        (0..<count).map { _ in Float.random(in: -1...1, using: &random) }
      }
      table = floats(count * rank)
      weights = floats((rank + 1) * lanes)
      rows = (0..<count).map { _ in UInt32.random(in: 0..<UInt32(count), using: &random) }
      let first: UInt32 = absent == 0 ? 1 : 0
      labels = (0..<count).map { _ in UInt32.random(in: first..<classes, using: &random) }
    }

    /// The loss, and the gradient or, without it, the logits.
    func run(
      gradient: Bool, _ pass: (UnsafePointer<rn_logistic_args>?) -> Double
    ) -> (loss: Double, values: [Float]) {
      var problem = rn_logistic_args()
      let lanes = (Int(classes) + 3) / 4 * 4
      problem.count = UInt32(rows.count)
      problem.rank = UInt32(table.count / rows.count)
      problem.classes = classes
      problem.lanes = UInt32(lanes)
      problem.absent = absent
      var (slope, logits) = (weights, [Float](repeating: 0, count: rows.count * lanes))
      var loss = 0.0
      table.withUnsafeBufferPointer { table in
        weights.withUnsafeBufferPointer { weights in
          rows.withUnsafeBufferPointer { rows in
            labels.withUnsafeBufferPointer { labels in
              slope.withUnsafeMutableBufferPointer { slope in
                logits.withUnsafeMutableBufferPointer { logits in
                  problem.table = table.baseAddress
                  problem.weights = weights.baseAddress
                  problem.rows = rows.baseAddress
                  problem.labels = labels.baseAddress
                  problem.gradient = gradient ? slope.baseAddress : nil
                  problem.logits = logits.baseAddress
                  loss = pass(&problem)
                }
              }
            }
          }
        }
      }
      return (loss, gradient ? slope : logits)
    }
  }

  private static var hasAVX2: Bool {
    (RN_ISA_AVX2.rawValue..<RN_ISA_NEON.rawValue).contains(rn_isa_detect().rawValue)
  }

  @Test(
    "AVX2 gives the bits of the reference",
    .enabled(if: hasAVX2, "needs AVX2: elsewhere the reference is what runs"))
  func bits() {
    var random = SplitMix(state: 5)
    for _ in 0..<200 {
      let problem = Problem(&random)
      for gradient in [true, false] {
        let expected = problem.run(gradient: gradient, rn_logistic_f32_ref)
        let found = problem.run(gradient: gradient, rn_logistic_f32)
        #expect(found.loss.bitPattern == expected.loss.bitPattern)
        #expect(found.values.map(\.bitPattern) == expected.values.map(\.bitPattern))
      }
    }
  }

  @Test("the gradient is the slope of the loss")
  func slope() {
    var random = SplitMix(state: 6)
    for _ in 0..<20 {
      var problem = Problem(&random)
      let (loss, gradient) = problem.run(gradient: true, rn_logistic_f32_ref)
      let place = Int.random(in: problem.weights.indices, using: &random)
      guard gradient[place] != 0 else { continue }
      let step: Float = 1e-2
      let weight = problem.weights[place]
      problem.weights[place] = weight + step
      let above = problem.run(gradient: true, rn_logistic_f32_ref).loss
      problem.weights[place] = weight - step
      let below = problem.run(gradient: true, rn_logistic_f32_ref).loss
      #expect(abs((above - below) / Double(2 * step) - Double(gradient[place])) < 1e-3 * (1 + loss))
    }
  }
}
