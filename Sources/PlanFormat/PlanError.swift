// SPDX-License-Identifier: Apache-2.0

public import ResNetPlatform

/// Why a file is not a plan that can run.
public enum PlanError: Error, TextDescribable {
  /// The file could not be mapped.
  case file(FileError)
  /// The file does not start with the magic of a plan.
  case notAPlan
  /// The file is a plan of another format version.
  case version(found: UInt32)
  /// The file is shorter or longer than its header says.
  case size(expected: UInt64, found: Int)
  /// The bytes of the header do not have the checksum written in it.
  case headerChecksum
  /// The bytes of a section do not have the checksum written in the header.
  case sectionChecksum(PlanSection)
  /// A section breaks a rule of the format.
  case section(PlanSection, StaticString)
  /// A tensor record breaks a rule of the format.
  case tensor(index: Int, StaticString)
  /// A step record breaks a rule of the format.
  case step(index: Int, StaticString)
  /// Two tensors that live at the same time share bytes of the arena.
  case overlap(first: Int, second: Int)

  /// Appends what was expected and what was found, without the path, which the caller knows.
  ///
  /// - **Allocates:** nothing.
  public func describe(to line: inout TextLine) {
    switch self {
    case .file(let error): error.describe(to: &line)
    case .notAPlan: line.append("not a plan file: expected the magic RNPLAN at byte 0")
    case .version(let found):
      line.append("expected plan format version \(PlanLayout.version), found \(found)")
    case .size(let expected, let found):
      line.append("expected a file of \(expected) bytes, found \(found): ")
      line.append("the plan is truncated or damaged")
    case .headerChecksum: line.append("damaged plan: the header does not match its checksum")
    case .sectionChecksum(let section):
      line.append("damaged plan: section \(section.name) does not match its checksum")
    case .section(let section, let rule):
      line.append("invalid plan: section \(section.name): expected \(rule)")
    case .tensor(let index, let rule):
      line.append("invalid plan: tensor \(index): expected \(rule)")
    case .step(let index, let rule): line.append("invalid plan: step \(index): expected \(rule)")
    case .overlap(let first, let second):
      line.append("invalid plan: tensors \(first) and \(second)")
      line.append(" live at the same time in the same bytes of the arena")
    }
  }
}

#if !hasFeature(Embedded)
  extension PlanError: CustomStringConvertible {}
#endif
