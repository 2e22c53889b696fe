// SPDX-License-Identifier: Apache-2.0

import Foundation
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

/// Writes a file that appears whole or not at all.
///
/// Ctrl-C, SIGTERM and SIGHUP wait until it is written: what an earlier run left stays or is replaced, and
/// there is no file of another name. The threads of this library take no signals, so it is enough that the
/// caller's does not, if the caller is the main thread.
///
/// - Throws: a ``QuantizationError`` that names the path, also if the disk is full.
public func writeWhole(_ file: [UInt8], to path: String) throws(QuantizationError) {
  var signals = sigset_t()
  var earlier = sigset_t()
  sigemptyset(&signals)
  for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, signal) }
  pthread_sigmask(SIG_BLOCK, &signals, &earlier)
  defer { pthread_sigmask(SIG_SETMASK, &earlier, nil) }
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
