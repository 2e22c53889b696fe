// SPDX-License-Identifier: Apache-2.0

/// The kinds of checkpoint that are read, told apart by their first bytes.
enum FileKind {
  case safetensors
  case zip
  case legacyTorch
  case onnx

  /// Recognizes `bytes`.
  ///
  /// - Throws: `unsupportedFormat` for kinds that are known but not read, `unrecognized` for
  ///   the rest.
  init(of bytes: UnsafeRawBufferPointer) throws(ImportError) {
    func begins(_ prefix: [UInt8], at offset: Int = 0) -> Bool {
      bytes.count >= offset + prefix.count
        && prefix.indices.allSatisfy { bytes[offset + $0] == prefix[$0] }
    }
    // "PK" and the mark of a local file header, or of the end of an archive without entries.
    if begins([0x50, 0x4b, 0x03, 0x04]) || begins([0x50, 0x4b, 0x05, 0x06]) {
      self = .zip
      return
    }
    // The header's length takes 8 bytes; its JSON text must begin with a brace.
    if begins([UInt8(ascii: "{")], at: 8) {
      self = .safetensors
      return
    }
    if bytes.count >= 2, begins([0x80]), (2...5).contains(bytes[1]), begins(Self.legacyMagic, at: 2)
    {
      self = .legacyTorch
      return
    }
    // ONNX is a protocol buffer whose field 1 is a small integer, the format's version, followed
    // by one of the fields 2…8: strings and messages (wire type 2) or a model version (field 5).
    if bytes.count >= 3, bytes[0] == 0x08, (1...32).contains(bytes[1]),
      [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42].contains(bytes[2])
    {
      self = .onnx
      return
    }
    if let name = Self.nameOfUnsupportedKind(bytes, begins: { begins($0) }) {
      throw .unsupportedFormat(looksLike: name)
    }
    throw .unrecognized(firstBytes: Array(bytes.prefix(8)))
  }

  /// What follows the pickle protocol in a file of the legacy format: the ten-byte integer
  /// 0x1950a86a20f9469cfc6c and STOP.
  static let legacyMagic: [UInt8] = [
    0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
  ]

  private static func nameOfUnsupportedKind(
    _ bytes: UnsafeRawBufferPointer, begins: ([UInt8]) -> Bool
  ) -> String? {
    if bytes.count >= 2, bytes[0] == 0x80, (2...5).contains(bytes[1]) {
      return "a bare Python pickle"
    }
    if begins([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]) { return "an HDF5 (Keras) file" }
    return nil
  }
}
