// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
public import ResNetPlatform

/// How a session chooses between direct sums and exact Winograd forms for its int8 convolutions.
///
/// The results do not depend on it, to the bit; time and memory do.
public enum Tuning {
  /// Direct sums throughout: the least memory, and the shortest start.
  case none
  /// Each shape is timed on this CPU, which takes about as long as ten inferences: with the session's threads or, if
  /// each of them computes whole images of a batch, with one. Then weights are made for the forms that pay, as far as
  /// the memory limit allows.
  case measured
  /// What ``Session/writeTuning(_:)`` wrote, in memory that is read while the session is made.
  case recorded(UnsafeRawBufferPointer)

  var wantsForms: Bool {
    if case .none = self { false } else { true }
  }

  var isMeasured: Bool {
    if case .measured = self { true } else { false }
  }
}

/// What is wrong with a recorded tuning.
public enum TuningFlaw: Equatable, Sendable {
  /// It does not start as tunings do.
  case format
  /// It was made for another plan, CPU or number of threads.
  case plan, cpu, threads
  /// A line, counted from 1, that does not name a convolution of the plan, in the plan's order, and a form of it.
  case line(Int)
  /// A form whose sums would not fit 32 bits with these weights.
  case inexact(line: Int)
  /// More transformed weights than there is memory for.
  case memory(expected: Int, found: Int)
}

extension TuningFlaw: TextDescribable {
  /// Appends what was expected and what was found.
  ///
  /// - **Allocates:** nothing.
  public func describe(to line: inout TextLine) {
    switch self {
    case .format: line.append("expected a tuning, which starts with resnet-runtime tuning 1")
    case .plan: line.append("expected a tuning of this plan, found one of another")
    case .cpu: line.append("expected a tuning of this CPU and level, found one of another")
    case .threads: line.append("expected a tuning for as many threads, found one for others")
    case .line(let number):
      line.append("expected a convolution of this plan and 2x2, 4x2 or 4x4 in line \(number)")
    case .inexact(let number):
      line.append("expected a form that is exact for the plan's weights in line \(number)")
    case .memory(let expected, let found):
      line.append("expected memory of \(expected) bytes for its weights, found \(found)")
    }
  }
}

/// The text of a tuning: what it belongs to, and a line for each convolution that is not direct.
///
/// ```
/// resnet-runtime tuning 1
/// plan 3f1c09ab
/// cpu avx512vnni Intel(R) Xeon(R) Processor
/// threads 2
/// layer1.0.conv1 4x4
/// ```
struct TuningText {
  let plan: PlanView
  let set: InstructionSet
  let threads: Int

  /// One of the first lines, and what it means if another is found.
  private func header(_ place: Int) -> (text: TextLine, flaw: TuningFlaw)? {
    switch place {
    case 0: return ("resnet-runtime tuning 1", .format)
    case 1:
      var line: TextLine = "plan "
      for digit in 0..<8 {
        line.append(hexDigit: UInt8(plan.checksum >> (28 - 4 * UInt32(digit)) & 15))
      }
      return (line, .plan)
    case 2: return ("cpu \(set.cName) \(processorName())", .cpu)
    case 3: return ("threads \(threads)", .threads)
    default: return nil
    }
  }

  private func line(_ index: Int, _ form: Arithmetic.Algorithm) -> TextLine {
    "\(plan.name(plan.step(index).name)) \(form.name)"
  }

  func write<Failure: Error>(
    _ steps: UnsafeBufferPointer<StepForms>, _ body: (TextLine) throws(Failure) -> Void
  ) throws(Failure) {
    var place = 0
    while let header = header(place) {
      try body(header.text)
      place += 1
    }
    for index in steps.indices where steps[index].form != .direct {
      try body(line(index, steps[index].form))
    }
  }

  /// Takes the forms over that a text names.
  func read(_ text: UnsafeRawBufferPointer, into chooser: FormChooser) throws(SessionError) {
    var rest = text[...]
    var number = 1
    while let header = header(number - 1) {
      guard take(header.text, from: &rest) else { throw .tuning(header.flaw) }
      number += 1
    }
    var byteCount = 0
    for index in chooser.steps.indices {
      guard let shape = chooser.steps[index].shape else { continue }
      let exact = Arithmetic.Algorithm.exact
      for place in 1..<exact.count where take(line(index, exact[place]), from: &rest) {
        guard chooser.isExact(index, exact[place]) else { throw .tuning(.inexact(line: number)) }
        chooser.steps[index].form = exact[place]
        byteCount += shape.byteCount(exact[place])
        number += 1
        break
      }
    }
    guard rest.isEmpty else { throw .tuning(.line(number)) }
    guard byteCount <= chooser.room else {
      throw .tuning(.memory(expected: byteCount, found: chooser.room))
    }
  }

  private func take(_ line: TextLine, from rest: inout UnsafeRawBufferPointer.SubSequence) -> Bool {
    let isThere = line.withUTF8 { line in
      guard rest.count > line.count, rest[rest.startIndex + line.count] == UInt8(ascii: "\n")
      else { return false }
      for offset in 0..<line.count where rest[rest.startIndex + offset] != line[offset] {
        return false
      }
      return true
    }
    if isThere { rest = rest.dropFirst(line.count + 1) }
    return isThere
  }
}
