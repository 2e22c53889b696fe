// SPDX-License-Identifier: Apache-2.0

/// The safetensors format of Hugging Face: the header's length (8 bytes, little-endian), the header, the data.
///
/// Layout: https://huggingface.co/docs/safetensors. The format promises that the tensors cover
/// the data area exactly, in some order, without overlap; here that is checked.
enum Safetensors: StateDictionaryReader {
  static let format = "safetensors"

  static func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
    // The header's length takes 8 bytes; its JSON text must begin with a brace.
    bytes.begins([UInt8(ascii: "{")], at: 8)
  }

  static func tensors(
    _ bytes: UnsafeRawBufferPointer, _ limits: ImportLimits, select: Selector
  ) throws(ImportError) -> [String: Tensor] {
    let lengthBytes = 8
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    let available = bytes.count - lengthBytes
    guard length <= UInt64(available) else {
      throw .malformed(
        part: "safetensors file", offset: 0, expected: "a header of at most \(available) bytes",
        found: "\(length)")
    }
    try checkLimit(Int(length), limits.headerBytes, "bytes of safetensors header")
    let dataStart = lengthBytes + Int(length)
    var parser = SafetensorsHeaderParser(
      bytes: UnsafeRawBufferPointer(rebasing: bytes[lengthBytes..<dataStart]), start: lengthBytes,
      limits: limits)
    var entries = try parser.parse()
    let data = UnsafeRawBufferPointer(rebasing: bytes[dataStart...])

    entries.sort { ($0.begin, $0.end, $0.name) < ($1.begin, $1.end, $1.name) }
    var dictionary = StoredDictionary()
    var position = 0
    for (place, entry) in entries.enumerated() {
      guard entry.begin == position else {
        throw .badDataOffset(tensor: entry.name, expected: position, found: entry.begin)
      }
      guard entry.end >= entry.begin, entry.end <= data.count else {
        throw .badDataOffset(tensor: entry.name, expected: data.count, found: entry.end)
      }
      position = entry.end
      let type = ElementType(safetensors: entry.elementType)
      if let type {
        guard let count = elementCount(of: entry.shape), product(count, type.byteCount) < .max
        else { throw .badShape(tensor: entry.name, shape: entry.shape) }
        try checkByteCount(entry.end - entry.begin, of: type, count, tensor: entry.name)
      }
      var isFloat = true
      if case .integer = type { isFloat = false }
      dictionary.tensors[entry.name] = StoredTensor(
        shape: entry.shape, isFloat: isFloat, place: place)
    }
    guard position == data.count else {
      throw .malformed(
        part: "safetensors file", offset: dataStart + position,
        expected: "the end of the file after the last tensor",
        found: "\(data.count - position) more bytes")
    }

    var contents: [String: Tensor] = [:]
    var budget = DecodedBytes(limits, fileBytes: bytes.count)
    for (place, name) in try select([dictionary]).sorted(by: { $0.key < $1.key }) {
      let entry = entries[place]
      guard case .float(let type)? = ElementType(safetensors: entry.elementType),
        let count = elementCount(of: entry.shape)
      else { throw .unsupportedElementType(tensor: entry.name, found: entry.elementType) }
      try budget.reserve(elements: count)
      let slice = UnsafeRawBufferPointer(rebasing: data[entry.begin..<entry.end])
      let values = type.decode(slice, count: count)
      try checkFinite(values, tensor: name)
      contents[name] = Tensor(shape: entry.shape, values: values)
    }
    return contents
  }
}
