// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import CResNetPlatform
import ResNetBoardTool
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime

/// One line of a report: a block or a step.
struct Row: BitwiseCopyable {
  /// The name in the plan.
  let name: UnsafePointer<CChar>
  /// Its steps, the end excluded.
  let firstStep, endStep: Int
  let multiplications: Int
  let time: Summary

  var steps: Range<Int> { firstStep..<endStep }

  /// Billions of multiplications a second.
  var rate: Double { Double(multiplications) / (time.median * 1e6) }
}

/// A finished measurement.
///
/// - **Allocates:** once, when it is made; nothing while it measures.
struct Report: ~Copyable {
  let model: UnsafePointer<CChar>
  let session: Session
  let sha256: TextLine
  /// CRC-32C of the logits' bytes.
  let checksum: UInt32
  let machine: Machine
  let start: MachineState
  let end: MachineState
  /// Billions of multiplications a second that one thread can do at most.
  let threadPeak: Double
  /// How many pairs of runs were done and how many of them were kept.
  let pairCount, keptCount: Int
  /// The whole run without timestamps, and with them.
  let latency, timedLatency: Summary
  /// The run of a batch; nil if the session takes one image.
  let batchLatency: Summary?
  /// Whether the rows that a person asked for are the steps.
  let showsSteps: Bool

  private let blockRows, stepRows: Buffer<Row>
  private let blockCount: Int

  /// Measures what the command line asks for.
  init(_ arguments: Arguments) throws(BenchFailure) {
    var session = try shared(
      openSession(
        arguments.model, arguments.options, runsOften: true, batch: arguments.batch))
    tool.tellThreads(of: session, arguments.options)
    let view = session.plan.view
    let kernels = KernelTable(upTo: session.instructionSet).kernels
    var measurement = try shared(Measurement(session))
    let start = MachineState()
    measurement.warmUp(&session)
    let checksum = Report.checksum(session)
    let peak = measurePeak(
      view.mainArithmetic.accumulator == .int32 ? kernels.peak_q8 : kernels.peak_f32)
    measurement.run(&session, seconds: arguments.seconds)
    let end = MachineState()
    guard Report.checksum(session) == checksum else { throw .changedOutput(arguments.model) }

    let times = try shared(Buffer<Int64>(count: measurement.samples.count))
    let blockRows = try shared(Buffer<Row>(count: view.stepCount))
    let stepRows = try shared(Buffer<Row>(count: view.stepCount))
    var blockCount = 0
    var first = 0
    for index in 0..<view.stepCount {
      let step = view.step(index)
      stepRows.elements[index] = Report.row(
        view, step.name, index..<index + 1, measurement.samples, times)
      if index + 1 == view.stepCount || view.step(index + 1).block != step.block {
        blockRows.elements[blockCount] = Report.row(
          view, step.block, first..<index + 1, measurement.samples, times)
        blockCount += 1
        first = index + 1
      }
    }
    measurement.samples.copy(columns: Samples.plain, into: times.elements)
    latency = Summary(sorting: times.elements)
    measurement.samples.copy(columns: Samples.timed, into: times.elements)
    timedLatency = Summary(sorting: times.elements)
    if session.batch > 1 {
      measurement.samples.copy(columns: Samples.batch, into: times.elements)
      batchLatency = Summary(sorting: times.elements)
    } else {
      batchLatency = nil
    }
    machine = Machine()
    self.start = start
    self.end = end
    self.checksum = checksum
    self.blockRows = blockRows
    self.stepRows = stepRows
    self.blockCount = blockCount
    threadPeak = peak
    showsSteps = arguments.perStep
    pairCount = measurement.pairCount
    keptCount = measurement.samples.count
    sha256 = ResNetPlatform.sha256(view.file)
    model = arguments.model
    self.session = session
  }

  /// A row for each block.
  var blocks: UnsafeBufferPointer<Row> {
    UnsafeBufferPointer(rebasing: blockRows.elements[0..<blockCount])
  }

  /// A row for each step.
  var steps: UnsafeBufferPointer<Row> { UnsafeBufferPointer(stepRows.elements) }

  /// The rows that a person asked for.
  var rows: UnsafeBufferPointer<Row> { showsSteps ? steps : blocks }

  /// The sum of the rows' medians in milliseconds.
  var sum: Double {
    var sum = 0.0
    for row in rows { sum += row.time.median }
    return sum
  }

  /// The multiplications of the network.
  var multiplications: Int {
    var sum = 0
    for row in blocks { sum += row.multiplications }
    return sum
  }

  /// Billions of multiplications a second that all threads can do at most.
  var peak: Double { threadPeak * Double(session.threads) }

  /// How much slower a run with timestamps is, in per cent of the medians.
  var timingCost: Double { (timedLatency.median / latency.median - 1) * 100 }

  /// Images a second in runs of some images each, by the median.
  func imagesPerSecond(_ run: Summary, images: Int) -> Double { Double(images) * 1e3 / run.median }

  /// A row's share of the sum of all, in per cent.
  func share(_ row: Row) -> Double { row.time.median / sum * 100 }

  /// A row's rate in per cent of the peak.
  func percentOfPeak(_ row: Row) -> Double { row.rate / peak * 100 }

  private static func row(
    _ view: PlanView, _ name: Int, _ steps: Range<Int>, _ samples: borrowing Samples,
    _ times: borrowing Buffer<Int64>
  ) -> Row {
    var multiplications = 0
    for index in steps { multiplications += view.step(index).multiplications }
    samples.copy(steps: steps, into: times.elements)
    return Row(
      name: view.name(name), firstStep: steps.lowerBound, endStep: steps.upperBound,
      multiplications: multiplications, time: Summary(sorting: times.elements))
  }

  private static func checksum(_ session: borrowing Session) -> UInt32 {
    let logits = session.logits
    return rn_crc32c(0, logits.baseAddress, logits.count * MemoryLayout<Float>.size)
  }
}
