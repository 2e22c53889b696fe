// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetPlatform
import ResNetRuntime

/// A file in NumPy's format with one output of the plan, for all images.
struct NumPyFile: ~Copyable {
  private var file: OutputFile
  private let output: PlanOutput
  private let format: OutputOptions.Format
  private let layout: PlanOutput.Layout
  /// The values of one image.
  private let values: Buffer<Float>
  private let bytes: Buffer<UInt8>

  /// Begins the file with its header.
  ///
  /// - Parameters:
  ///   - isVector: whether an image's values have one dimension, not three.
  ///   - images: how many images will be appended.
  init(
    _ path: UnsafePointer<CChar>, _ output: PlanOutput, isVector: Bool, _ options: OutputOptions,
    images: Int
  ) throws(ToolFailure) {
    let (format, layout) = (options.format, options.layout)
    var file = try OutputFile(path)
    let values = try Buffer<Float>(count: format == .float32 ? output.count : 0)
    let bytes = try Buffer<UInt8>(count: format == .uint8 ? output.count : 0)
    var header = TextLine()
    header.append("{'descr': '")
    header.append(format == .float32 ? "<f4" : "|u1")
    header.append("', 'fortran_order': False, 'shape': (\(images), ")
    let (height, width, channels) = (output.height, output.width, output.channels)
    switch layout {
    case _ where isVector: header.append("\(channels)")
    case .nchw: header.append("\(channels), \(height), \(width)")
    case .nhwc: header.append("\(height), \(width), \(channels)")
    }
    header.append("), }")
    // Magic, version 1.0 and the header's length take 10 bytes; values begin at a multiple of 64.
    while (10 + header.count + 1) % 64 != 0 { header.append(byte: 0x20) }
    header.append(byte: 0x0A)
    let count = header.count
    let start: InlineArray<10, UInt8> = [
      0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, UInt8(count & 0xFF), UInt8(count >> 8),
    ]
    try withUnsafeBytes(of: start) { (bytes) throws(ToolFailure) in try file.append(bytes) }
    try header.withUTF8 { (text) throws(ToolFailure) in
      try file.append(UnsafeRawBufferPointer(text))
    }
    self.file = file
    self.values = values
    self.bytes = bytes
    (self.output, self.format, self.layout) = (output, format, layout)
  }

  // Embedded Swift destroys the parts of a value of another module only through a deinit of its own.
  deinit {}

  /// Appends the values of the last image.
  mutating func append(_ session: borrowing Session) throws(ToolFailure) {
    switch format {
    case .float32:
      session.read(output, into: values.elements, as: layout)
      // Both architectures are little-endian, as the header says.
      try file.append(UnsafeRawBufferPointer(values.elements))
    case .uint8:
      session.readBytes(output, into: bytes.elements, as: layout)
      try file.append(UnsafeRawBufferPointer(bytes.elements))
    }
  }

  mutating func close() throws(ToolFailure) { try file.close() }
  mutating func publish() throws(ToolFailure) { try file.publish() }
}
