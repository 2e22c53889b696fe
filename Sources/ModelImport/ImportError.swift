// SPDX-License-Identifier: Apache-2.0

public import ResNetModelGraph

/// Why a checkpoint was refused: what was expected, what was found, and where.
///
/// `description` is one line without the file's name, which the caller knows. Text out of the
/// file appears in quotes, cut to 100 characters and with control characters escaped.
public enum ImportError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The system could not open or map the file.
  case unreadable(path: String, reason: String)
  /// The contents are no kind of checkpoint that is known.
  case unrecognized(firstBytes: [UInt8])
  /// The contents look like a kind that is known but not read.
  case unsupportedFormat(looksLike: String)
  /// Part of the file breaks its format's rules. `offset` counts bytes from the start of
  /// `part`, which is the file or a named entry of it.
  case malformed(part: String, offset: Int, expected: String, found: String)
  /// The file asks for more than is allowed.
  case limitExceeded(what: String, limit: Int, found: Int)
  /// The zip library refused the archive (an empty entry name) or one of its entries.
  case badArchive(entry: String, reason: String)
  /// A PyTorch archive lacks a part.
  case missingEntry(name: String)
  /// The archive's tensors are stored with the most significant byte first.
  case bigEndian
  /// The pickle uses an operation that protocols 2 to 5 do not have in a file. Nothing was executed.
  case refusedOpcode(name: String, offset: Int)
  /// The top of the pickle, or an entry of the state dictionary, is not what it must be.
  case unexpectedEntry(name: String, expected: String, found: String)
  /// Two tensors have the same name.
  case duplicateTensor(name: String)
  /// A tensor has elements of a kind that is not read.
  case unsupportedElementType(tensor: String, found: String)
  /// A tensor has more than 64 dimensions, or negative ones, or ones that are too large to count.
  case badShape(tensor: String, shape: [Int])
  /// A tensor's shape and the bytes set aside for it disagree.
  case byteCountMismatch(tensor: String, expected: Int, found: Int)
  /// Tensors overlap, leave a hole, or run past the end of the data.
  case badDataOffset(tensor: String, expected: Int, found: Int)
  /// The strides of a tensor reach outside its storage. Counts are elements.
  case outsideStorage(tensor: String, storage: String, lastElement: Int, elementCount: Int)
  /// A tensor holds an infinity or a NaN.
  case nonFinite(tensor: String, index: Int, found: String)
  /// A node of an ONNX graph is none that a network here can have.
  case unexpectedNode(operation: String, name: String, expected: String, found: String)
  /// A tensor's elements are in another file, and it is not known where the model lies.
  case externalData(tensor: String)
  /// A tensor's elements are said to be in a file that is not below the model's folder.
  case foreignData(tensor: String, location: String)
  /// The file has no weights under the key or prefix that was asked for.
  case noSuchWeights(name: String)
  /// The file has several networks, none of which is preferred.
  case severalNetworks(names: [String])
  /// No tensors of the file are named as a ResNet's are; `names` are the first in the alphabet.
  case noResNet(count: Int, names: [String])
  /// There is no single linear layer that reads the features.
  case noClassifier(features: Int, found: String)
  /// Layers have tensors that must be made weights first.
  case unplainLayers(tensor: String, found: String, advice: String)
  /// The file's network is none that is known, or does not fit together.
  case network(GraphError)

  public var description: String {
    switch self {
    case .unreadable(let path, let reason): return "cannot read \(quoted(path)): \(reason)"
    case .unrecognized(let bytes):
      let text = bytes.map { hexadecimal($0) }.joined(separator: " ")
      return "expected a file of a known format (\(knownFormats)), "
        + "found one that begins with the bytes \(text)"
    case .unsupportedFormat(let kind):
      return "expected a file of a known format (\(knownFormats)), found what looks like \(kind), "
        + "which is not supported"
    case .malformed(let part, let offset, let expected, let found):
      return "\(part), byte \(offset): expected \(expected), found \(found)"
    case .limitExceeded(let what, let limit, let found):
      return "expected at most \(limit) \(what), found \(found)"
    case .badArchive(let entry, let reason):
      return entry.isEmpty
        ? "expected a sound zip archive, found: \(reason)"
        : "zip entry \(quoted(entry)): expected a sound entry, found: \(reason)"
    case .missingEntry(let name):
      return "expected the zip entry \(quoted(name)) of a PyTorch archive, found none"
    case .bigEndian:
      return "zip entry \"byteorder\": expected \"little\", found \"big\""
    case .refusedOpcode(let name, let offset):
      return "pickle, byte \(offset): expected the pickle of a state dictionary, "
        + "found the opcode \(name), which is refused"
    case .unexpectedEntry(let name, let expected, let found):
      return "\(name.isEmpty ? "pickle" : "entry \(quoted(name))"): "
        + "expected \(expected), found \(found)"
    case .duplicateTensor(let name):
      return "tensor \(quoted(name)): expected one tensor of that name, found two"
    case .unsupportedElementType(let tensor, let found):
      return
        "tensor \(quoted(tensor)): expected F64, F32, F16 or BF16 elements, found \(quoted(found))"
    case .badShape(let tensor, let shape):
      let dots = shape.count > ImportLimits.dimensions ? " …" : ""
      return
        "tensor \(quoted(tensor)): expected at most \(ImportLimits.dimensions) dimensions, whose product "
        + "can be counted, found \(shape.prefix(ImportLimits.dimensions))\(dots)"
    case .byteCountMismatch(let tensor, let expected, let found):
      return "tensor \(quoted(tensor)): expected \(expected) bytes, found \(found)"
    case .badDataOffset(let tensor, let expected, let found):
      return "tensor \(quoted(tensor)): expected its data to end one tensor and begin the next "
        + "at byte \(expected) of the data, found \(found)"
    case .outsideStorage(let tensor, let storage, let last, let count):
      return "tensor \(quoted(tensor)): expected elements below \(count) of storage "
        + "\(quoted(storage)), found element \(last)"
    case .nonFinite(let tensor, let index, let found):
      return "tensor \(quoted(tensor)), element \(index): expected a finite value, found \(found)"
    case .unexpectedNode(let operation, let name, let expected, let found):
      return "node \(quoted(name)) (\(quoted(operation).dropFirst().dropLast())): "
        + "expected \(expected), found \(found)"
    case .externalData(let tensor):
      return "tensor \(quoted(tensor)): expected its data in the ONNX file, found a reference to "
        + "another file (export with external_data=False)"
    case .foreignData(let tensor, let location):
      return "tensor \(quoted(tensor)): expected its data in a file below the model's folder, "
        + "found \(quoted(location))"
    case .noSuchWeights(let name):
      return "expected weights under \(quoted(name)), found none"
    case .severalNetworks(let names):
      let shown = names.prefix(8).map { quoted($0) }.joined(separator: ", ")
      return "expected one network, found \(names.count) (choose one with --weights): \(shown)"
    case .noResNet(let count, let names):
      let shown = names.map { quoted($0) }.joined(separator: ", ")
      return "expected tensors named as a ResNet's (layer1.0.conv1.weight …), "
        + "found \(count) others (\(shown) …)"
    case .noClassifier(let features, let found):
      return "expected a classifier, one linear layer of \(features) features, found \(found)"
    case .unplainLayers(let tensor, let found, let advice):
      return
        "tensor \(quoted(tensor)): expected the weights of plain layers, found \(found): \(advice)"
    case .network(let error): return error.description
    }
  }
}

/// Two hexadecimal digits.
func hexadecimal(_ byte: UInt8) -> String {
  (byte < 16 ? "0" : "") + String(byte, radix: 16)
}
