// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetBoardTool
import ResNetPlatform

/// Writes a file that appears whole or not at all.
///
/// Ctrl-C, SIGTERM and SIGHUP wait until it is written: what an earlier run left stays or is replaced, and
/// there is no file of another name. Dispatch's threads take no signals, so it is enough that the caller's
/// does not; the caller is the main thread.
///
/// - Throws: a ``ToolError`` that names the path, also if the disk is full.
func writeWhole(_ file: [UInt8], to path: String) throws {
  var signals = sigset_t()
  var earlier = sigset_t()
  sigemptyset(&signals)
  for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, signal) }
  pthread_sigmask(SIG_BLOCK, &signals, &earlier)
  defer { pthread_sigmask(SIG_SETMASK, &earlier, nil) }
  let failure: String? = path.withCString { path in
    do throws(ToolFailure) {
      var output = try OutputFile(path)
      // A typed throw cannot leave through the closure of withUnsafeBytes.
      try output.append(file.span.bytes)
      try output.close()
      try output.publish()
      return nil
    } catch {
      var line = TextLine()
      error.describe(to: &line)
      return String(line)
    }
  }
  if let failure { throw ToolError(failure) }
}

extension OutputFile {
  fileprivate mutating func append(_ bytes: RawSpan) throws(ToolFailure) {
    try bytes.withUnsafeBytes { bytes throws(ToolFailure) in try append(bytes) }
  }
}
