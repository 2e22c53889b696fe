// SPDX-License-Identifier: Apache-2.0

import CResNetFrameReader
import CResNetPlatform
import ResNetBoardTool
import ResNetPlatform

/// A file, a pipe or standard input with frames.
struct FrameSource: ~Copyable {
  /// The path, a word of the command line.
  let path: UnsafePointer<CChar>
  let descriptor: Int32
  /// The bytes of a regular file, read from its start; nil of anything else.
  let fileBytes: Int?

  /// Opens `path`, or standard input if it is -. A pipe with a name gets 10 seconds for its writer to come.
  init(_ path: UnsafePointer<CChar>) throws(RunFailure) {
    var status = stat()
    let descriptor = rn_open_input(path, UInt32(FileError.writerSeconds), &status)
    guard descriptor >= 0 else { throw .stream(path, errno: rn_errno()) }
    let isFile = rn_is_regular_file(&status) != 0 && lseek(descriptor, 0, SEEK_CUR) == 0
    self.path = path
    self.descriptor = descriptor
    fileBytes = isFile ? Int(status.st_size) : nil
  }

  deinit { close(descriptor) }
}

/// The frames of a source, read on a thread of its own.
struct FrameReader: ~Copyable {
  let source: FrameSource
  /// The bytes of a frame; of a JPEG image at most.
  let frameBytes: Int

  private let reader: OpaquePointer

  /// Begins to read.
  init(
    _ source: consuming FrameSource, _ stream: rn_frame_stream, frameBytes: Int, latest: Bool
  ) throws(RunFailure) {
    var reader: OpaquePointer?
    let code = rn_frame_reader_start(
      &reader, source.descriptor, Int32(stream.rawValue), frameBytes, latest)
    guard code == 0, let reader else { throw .stream(source.path, errno: code) }
    if !rn_frame_reader_has_thread(reader) {
      tool.complain(
        "the system started no thread to read with; going on, and reading between inferences")
    }
    self.source = source
    self.frameBytes = frameBytes
    self.reader = reader
  }

  deinit { rn_frame_reader_stop(reader) }

  /// Waits for the next frame, valid until the one after it.
  func next() -> rn_frame { rn_frame_reader_next(reader) }
}
