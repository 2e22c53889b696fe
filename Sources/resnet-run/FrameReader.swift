// SPDX-License-Identifier: Apache-2.0

import CResNetFrameReader
import CResNetPlatform
import ResNetBoardTool

/// The frames of a file or of standard input, read on a thread of its own.
struct FrameReader: ~Copyable {
  /// The path, a word of the command line.
  let path: UnsafePointer<CChar>
  let frameBytes: Int

  private let descriptor: Int32
  private let reader: OpaquePointer

  /// Opens `path`, or standard input if it is -, and begins to read.
  init(_ path: UnsafePointer<CChar>, frameBytes: Int, latest: Bool) throws(RunFailure) {
    let isStandardInput = strcmp(path, ("-" as StaticString).cString) == 0
    let descriptor = isStandardInput ? STDIN_FILENO : rn_open_read(path)
    guard descriptor >= 0 else { throw .stream(path, errno: rn_errno()) }
    var reader: OpaquePointer?
    let code = rn_frame_reader_start(&reader, descriptor, frameBytes, latest)
    guard code == 0, let reader else {
      if !isStandardInput { close(descriptor) }
      throw .stream(path, errno: code)
    }
    self.path = path
    self.frameBytes = frameBytes
    self.descriptor = descriptor
    self.reader = reader
  }

  deinit {
    rn_frame_reader_stop(reader)
    if descriptor != STDIN_FILENO { close(descriptor) }
  }

  /// Waits for the next frame, valid until the one after it.
  func next() -> rn_frame { rn_frame_reader_next(reader) }
}
