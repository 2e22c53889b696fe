// SPDX-License-Identifier: Apache-2.0

/// How much a checkpoint may ask for before it is refused.
///
/// Every size in a file is compared with these before memory is reserved for it. The standard
/// limits are far above what a ResNet needs; tests lower them. docs/limits.md lists them.
package struct ImportLimits: Sendable {
  /// The bytes of all tensors together as they are decoded, and of all packed zip entries together.
  package var decodedBytes = 4 << 30

  /// The same in proportion: for each byte of the file, and beside that. Float16 weights grow to twice
  /// their size, tied ones once more; a tensor of stride 0 or a bomb of zeros grows without end.
  package var decodedBytesPerByte = 32
  package var spareBytes = 16 << 20

  /// The tensors of a file, and the dimensions of each. ResNet152 has 932, of at most 4 dimensions.
  package var tensors = 1 << 16
  static let dimensions = 64

  /// The networks of a file, of which each is compared with the others.
  static let networks = 256

  /// How deep values may be nested in a file beside a model.
  static let depth = 64

  /// The bytes of a tensor's name, and of the key of its storage.
  package var nameBytes = 1 << 10

  /// The bytes of a safetensors header, which is text.
  package var headerBytes = 100 << 20

  /// The bytes of the pickle in a PyTorch archive. ResNet152's has about 110 KB.
  package var pickleBytes = 64 << 20

  /// The objects a pickle may make. ResNet152's makes about 12,000.
  package var pickleObjects = 2 << 20

  /// The objects on the pickle's stack at one time.
  package var pickleStack = 1 << 20

  /// The entries in the pickle's memo.
  package var pickleMemo = 1 << 20

  /// What a pickle copies with operations of a few bytes: letters of the names of classes, and the pairs
  /// of dictionaries that are made of lists.
  package var pickleCopies = 1 << 20

  /// The records at the end of a zip archive that look like its last one. Each sends libzip through the
  /// whole directory.
  package var zipEndRecords = 16

  /// The fields and packed integers in the nodes and tensors of an ONNX model. ResNet152's has
  /// about 20,000.
  package var protobufFields = 1 << 18

  /// The nodes of an ONNX graph. ResNet152's has about 500, with its constants about 2,000.
  package var nodes = 1 << 14

  package init() {}

  /// The bytes that may be decoded of a file of so many bytes.
  func decodedBytes(of fileBytes: Int) -> Int {
    min(decodedBytes, sum(spareBytes, product(fileBytes, decodedBytesPerByte)))
  }
}

/// Counts the bytes that tensors take as they are decoded.
struct DecodedBytes {
  private let limits: ImportLimits
  private var fileBytes: Int
  private var used = 0

  init(_ limits: ImportLimits, fileBytes: Int) {
    (self.limits, self.fileBytes) = (limits, fileBytes)
  }

  /// Counts another file that tensors come from.
  mutating func add(fileBytes more: Int) { fileBytes = sum(fileBytes, more) }

  /// Reserves room for `elements` values, of float32 if nothing else is said, before memory is asked for.
  mutating func reserve(elements: Int, byteCount: Int = 4) throws(ImportError) {
    used = sum(used, product(elements, byteCount))
    try checkLimit(
      used, limits.decodedBytes(of: fileBytes),
      "bytes of decoded tensors in a file of \(fileBytes) bytes")
  }
}

/// Refuses what is more than allowed.
func checkLimit(
  _ found: Int, _ limit: Int, _ what: @autoclosure () -> String
) throws(ImportError) {
  if found > limit { throw .limitExceeded(what: what(), limit: limit, found: found) }
}
