// SPDX-License-Identifier: Apache-2.0

/// What a file that is not read looks like, and what to do about it; nil if its first bytes are not known.
func unreadKind(_ bytes: UnsafeRawBufferPointer) -> String? {
  let known: [(offset: Int, bytes: [UInt8], kind: String)] = [
    (0, [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a], "an HDF5 (Keras) file"),
    (0, [0x1f, 0x8b], "a gzip archive (unpack it with gunzip or tar xzf)"),
    (0, Array("BZh".utf8), "a bzip2 archive (unpack it with bunzip2)"),
    (0, [0xfd, 0x37, 0x7a, 0x58, 0x5a], "an xz archive (unpack it with unxz)"),
    (0, [0x28, 0xb5, 0x2f, 0xfd], "a Zstandard archive (unpack it with unzstd)"),
    (0, [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], "a 7z archive (unpack it)"),
    (257, Array("ustar".utf8), "a tar archive (unpack it with tar xf)"),
    (0, [0x93] + Array("NUMPY".utf8), "a NumPy array (.npy), not a model's state dict"),
    (4, Array("TFL3".utf8), "a TensorFlow Lite model (give the float model as ONNX)"),
    (0, Array("GGUF".utf8), "a GGUF file"),
    (0, Array("version https://git-lfs".utf8), "a Git LFS pointer (run git lfs pull)"),
  ]
  if let found = known.first(where: { bytes.begins($0.bytes, at: $0.offset) }) { return found.kind }
  if bytes.beginsWithPickle {
    return "a bare Python pickle (save the state_dict() with torch.save)"
  }
  let text = String(decoding: bytes.prefix(512), as: UTF8.self).lowercased()
    .drop { $0.isWhitespace || $0 == "\u{feff}" }
  if text.hasPrefix("<!doctype") || text.hasPrefix("<html") {
    return "an HTML page (the download gave a web page, not the file)"
  }
  if text.hasPrefix("<?xml") { return "an XML text" }
  if text.hasPrefix("{") || text.hasPrefix("[") { return "a JSON text, such as a configuration" }
  return nil
}
