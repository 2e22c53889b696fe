// SPDX-License-Identifier: Apache-2.0

import ResNetBoardTool

/// What was measured, one row for each pair of runs, in the order of time.
///
/// A row holds nanoseconds: the whole run without timestamps, the whole run with them, the run of a batch, and each
/// step.
/// When the memory is full, every second row is dropped and from then on only every second pair is
/// kept, and so on: a long measurement is thinned out evenly, not cut off.
///
/// - **Allocates:** once, when it is made.
struct Samples: ~Copyable {
  /// How many rows are kept.
  private(set) var count = 0

  private static var capacity: Int { 10_000 }

  private let stepCount: Int
  private let rows: Buffer<Int64>
  private var stride = 1
  private var skipped = 0

  init(stepCount: Int) throws(ToolFailure) {
    self.stepCount = stepCount
    rows = try Buffer(count: Samples.capacity * (stepCount + Samples.runs))
  }

  /// Adds a pair of runs, given the timestamps of its steps.
  mutating func append(
    plain: Int64, timed: Int64, batch: Int64, timestamps: UnsafeMutableBufferPointer<Int64>
  ) {
    skipped += 1
    guard skipped == stride else { return }
    skipped = 0
    if count == Samples.capacity { thin() }
    let start = count * width
    rows.elements[start] = plain
    rows.elements[start + 1] = timed
    rows.elements[start + 2] = batch
    for step in 0..<stepCount {
      rows.elements[start + Samples.runs + step] = timestamps[step + 1] - timestamps[step]
    }
    count += 1
  }

  /// The columns of the whole runs without timestamps, with them, and of a batch.
  static var plain: Range<Int> { 0..<1 }
  static var timed: Range<Int> { 1..<2 }
  static var batch: Range<Int> { 2..<3 }
  private static var runs: Int { 3 }

  /// Copies the times that some steps took together.
  func copy(steps: Range<Int>, into times: UnsafeMutableBufferPointer<Int64>) {
    copy(
      columns: steps.lowerBound + Samples.runs..<steps.upperBound + Samples.runs, into: times)
  }

  /// Copies the sums of some columns.
  func copy(columns: Range<Int>, into times: UnsafeMutableBufferPointer<Int64>) {
    for row in 0..<count {
      times[row] = 0
      for column in columns { times[row] += rows.elements[row * width + column] }
    }
  }

  private var width: Int { stepCount + Samples.runs }

  private mutating func thin() {
    let kept = count / 2
    for row in 1..<kept {
      for column in 0..<width {
        rows.elements[row * width + column] = rows.elements[2 * row * width + column]
      }
    }
    count = kept
    stride *= 2
  }
}
