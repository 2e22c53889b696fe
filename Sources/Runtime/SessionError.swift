// SPDX-License-Identifier: Apache-2.0

public import ResNetPlatform

/// Why a session could not be made.
public enum SessionError: Error, Equatable, TextDescribable {
  /// There is no instruction-set level of that name on this architecture.
  case unknownInstructionSet
  /// This CPU lacks the instruction set that was asked for.
  case unsupportedInstructionSet(best: InstructionSet)
  /// The number of threads is not in 1…64.
  case threadCount(Int)
  /// The number of images of a run is not in 1…64.
  case batch(Int)
  /// A text is no list of different CPUs.
  case cpuList
  /// The process may not use a CPU, or there is none of that number.
  case cpu(Int)
  /// There are not as many CPUs as threads.
  case cpuCount(expected: Int, found: Int)
  /// The arena given is too small or not aligned to 64 bytes.
  case arena(expected: Int, found: Int, isAligned: Bool)
  /// The memory limit leaves no room for the plan and a session without exact forms.
  case memoryLimit(expected: Int, found: Int)
  /// A recorded tuning cannot be used.
  case tuning(TuningFlaw)
  /// The plan has no logits to tell classes by.
  case noLogits
  /// The arena could not be allocated.
  case outOfMemory(bytes: Int)
  /// The system does not start threads as they should be, for another reason than a shortage; the value is an
  /// `errno`.
  case threads(errno: Int32)

  /// Appends what was expected and what was found.
  ///
  /// - **Allocates:** nothing.
  public func describe(to line: inout TextLine) {
    switch self {
    case .unknownInstructionSet:
      line.append("unknown instruction set: expected ref or a level that this CPU has, such as ")
      line.append(cString: InstructionSet.best.cName)
    case .unsupportedInstructionSet(let best):
      line.append("this CPU lacks that instruction set; its best level is \(best.cName)")
    case .threadCount(let found): line.append("expected 1 to 64 threads, found \(found)")
    case .batch(let found): line.append("expected a batch of 1 to 64 images, found \(found)")
    case .cpuList: line.append("expected at most 64 different CPUs, such as 0-3 or 0,2")
    case .cpu(let number):
      line.append("CPU \(number) does not exist or is not allowed for this process")
    case .cpuCount(let expected, let found):
      line.append("expected a CPU for each of \(expected) threads, found \(found)")
    case .arena(let expected, let found, let isAligned):
      line.append("expected an arena of \(expected) bytes aligned to 64, found \(found)")
      line.append(isAligned ? " bytes" : " bytes, not aligned")
    case .memoryLimit(let expected, let found):
      line.append(
        "expected memory of at least \(expected) bytes for plan and session, found \(found)")
    case .tuning(let flaw): flaw.describe(to: &line)
    case .noLogits: line.append("expected a plan with logits, found one without a classifier")
    case .outOfMemory(let bytes): line.append("out of memory: the arena needs \(bytes) bytes")
    case .threads(let code): line.append("cannot start the threads: \(errno: code)")
    }
  }
}

#if !hasFeature(Embedded)
  extension SessionError: CustomStringConvertible {}
#endif
