// SPDX-License-Identifier: Apache-2.0

import CResNetKernels

/// Gives rows that are fewer than their features as many coordinates as there are rows, with the same inner
/// products.
///
/// The weights that minimize a loss with an L2 penalty are sums of the rows, so nothing else of the space of the
/// features matters, and fits of few photos cost little. The coordinates are the factor of the Cholesky decomposition
/// of the rows' inner products, which takes the row with most left first and ends where all have less than a millionth
/// of the greatest (Higham, Analysis of the Cholesky Decomposition of a Semi-definite Matrix, 1990).
struct RowCoordinates {
  /// The rows: `[count][features]`.
  let rows: UnsafePointer<Float>
  let count: Int
  let features: Int
  /// Room for `[count][count]`; afterwards `[count][rank]`.
  let coordinates: UnsafeMutablePointer<Float>
  /// The row that each coordinate was taken from.
  let pivots: UnsafeMutablePointer<UInt32>
  /// What is left of each row's squared norm.
  let remainders: UnsafeMutablePointer<Double>

  /// Fills the coordinates and returns how many each row has; 0 if all rows are zero.
  func find() -> Int {
    var greatest = 0.0
    for row in 0..<count {
      remainders[row] = dot(row, row)
      greatest = max(greatest, remainders[row])
    }
    let least = greatest * 1e-6
    var rank = 0
    while rank < count, let pivot = greatestRemainder(above: least) {
      let root = remainders[pivot].squareRoot()
      for row in 0..<count {
        let earlier = rn_dot_f32(at(row), at(pivot), UInt32(rank))
        let value = row == pivot ? root : (dot(row, pivot) - earlier) / root
        at(row)[rank] = Float(value)
        // With the rounded value: the next coordinates take up what rounding leaves.
        remainders[row] -= Double(at(row)[rank]) * Double(at(row)[rank])
      }
      remainders[pivot] = -1
      pivots[rank] = UInt32(pivot)
      rank += 1
    }
    // Rows close up; each starts before where it was.
    for row in 0..<count {
      for index in 0..<rank { coordinates[row * rank + index] = at(row)[index] }
    }
    return rank
  }

  private func at(_ row: Int) -> UnsafeMutablePointer<Float> { coordinates + row * count }

  private func dot(_ first: Int, _ second: Int) -> Double {
    rn_dot_f32(rows + first * features, rows + second * features, UInt32(features))
  }

  private func greatestRemainder(above least: Double) -> Int? {
    var (found, greatest) = (-1, least)
    for row in 0..<count where remainders[row] > greatest {
      (found, greatest) = (row, remainders[row])
    }
    return found < 0 ? nil : found
  }
}
