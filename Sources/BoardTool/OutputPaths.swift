// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetPlatform

/// A path on the command line.
public struct NamedPath {
  /// The option before it or what it is, such as "the plan".
  public let role: StaticString
  /// A word of the command line; nil if it is not there.
  public let path: UnsafePointer<CChar>?

  public init(_ role: StaticString, _ path: UnsafePointer<CChar>?) {
    self.role = role
    self.path = path
  }
}

/// The files that a command writes, none of which may be another of its files: they are compared by device and
/// inode, so links and other spellings of a path do not matter. Of a file that is not there yet, its folder and name
/// are compared.
public struct OutputPaths<let count: Int> {
  private let paths: InlineArray<count, NamedPath>
  /// Zero where there is no path, or none that leads anywhere.
  private var identities = InlineArray<count, rn_identity>(repeating: rn_identity())
  private var isEmpty = true

  /// Compares the outputs with each other and with the file to which standard output goes.
  public init(_ paths: InlineArray<count, NamedPath>) throws(UsageError) {
    self.paths = paths
    for index in paths.indices {
      guard let path = paths[index].path else { continue }
      try check(paths[index].role, path)
      _ = rn_identify(path, &identities[index])
      isEmpty = false
    }
    try check("standard output", ("/dev/stdout" as StaticString).cString)
  }

  /// Checks that another file of the command is none of the outputs.
  public func check(_ role: StaticString, _ path: UnsafePointer<CChar>) throws(UsageError) {
    var found = rn_identity()
    guard !isEmpty, rn_identify(path, &found) == 0 else { return }
    for index in paths.indices {
      var output = identities[index]
      if rn_is_same_file(&found, &output) != 0 {
        throw .sameFile(role, path, paths[index].role, paths[index].path!)
      }
    }
  }

  /// Checks that a file to read, or standard input if the path means that, is none of the outputs.
  public func check(_ role: StaticString, input path: UnsafePointer<CChar>) throws(UsageError) {
    let isStandard = rn_is_standard_input(path) != 0
    try check(role, isStandard ? ("/dev/stdin" as StaticString).cString : path)
  }
}
