// SPDX-License-Identifier: Apache-2.0

import ResNetBoardTool
public import ResNetPlanning
import ResNetPlatform

extension Planner {
  /// Makes the plan file of a scheme, which appears whole or not at all.
  ///
  /// - Throws: a ``PlanningError`` or, if the file cannot be written, a ``QuantizationError``.
  /// - **Allocates:** as ``plan(_:_:)`` does.
  public static func write(
    _ scheme: QuantizationScheme, _ options: PlanOptions = PlanOptions(), to path: String
  ) throws {
    try writeWhole(plan(scheme, options), to: path)
  }
}

/// Writes a file that appears whole or not at all, however the process ends; symbolic links are followed.
///
/// - Throws: a ``QuantizationError`` that names the path, also if the disk is full.
public func writeWhole(_ file: [UInt8], to path: String) throws(QuantizationError) {
  do {
    try path.withCString { path in
      var output = try OutputFile(path)
      try file.withUnsafeBytes { try output.append($0) }
      try output.close()
      try output.publish()
    }
  } catch {
    throw .output(reason: words(for: error))
  }
}
