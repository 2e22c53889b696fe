// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

/// What `torch.save` wrote before PyTorch 1.6, and writes since then with
/// `_use_new_zipfile_serialization=False`.
///
/// The file is a sequence: four pickles (a magic number, the protocol version 1001, facts about the
/// system, the object), the pickled list of the storages' keys, and for each of these, in that
/// order, its number of elements (int64) and the elements, without padding.
enum LegacyTorch: StateDictionaryReader {
  static let format = "legacy torch.save file"

  /// What follows the pickle protocol: the ten-byte integer 0x1950a86a20f9469cfc6c and STOP.
  private static let magic: [UInt8] = [
    0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
  ]

  static func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.beginsWithPickle && bytes.begins(magic, at: 2)
  }

  static func tensors(
    _ bytes: UnsafeRawBufferPointer, _ limits: ImportLimits, select: Selector
  ) throws(ImportError) -> [String: Tensor] {
    let part = "legacy PyTorch file"
    // The pickles come first; one that ends beyond the limit is cut, and refused for that.
    let head = Array(bytes.prefix(limits.pickleBytes))
    var position = 2 + magic.count
    func run() throws(ImportError) -> (machine: PickleMachine, root: PickleReference) {
      var machine = PickleMachine(head, at: position, part: part, limits: limits)
      let root = try machine.run()
      position = machine.end
      return (machine, root)
    }
    func malformed(_ offset: Int, _ expected: String, _ found: String) -> ImportError {
      .malformed(part: part, offset: offset, expected: expected, found: found)
    }

    var start = position
    let version = try run()
    guard case .int(1001) = version.machine[version.root] else {
      throw malformed(start, "the protocol version 1001", version.machine[version.root].kind)
    }
    start = position
    let system = try run()
    guard case .dictionary(let facts) = system.machine[system.root] else {
      throw malformed(start, "a dictionary about the system", system.machine[system.root].kind)
    }
    for (key, value) in facts {
      if case .string("little_endian") = system.machine[key],
        case .bool(false) = system.machine[value]
      {
        throw .bigEndian
      }
    }
    let object = try run()
    let found = try StateDictionaries(object.machine, object.root)
    start = position
    let keys = try run()
    guard case .list(let items) = keys.machine[keys.root] else {
      throw malformed(start, "the list of the storages' keys", keys.machine[keys.root].kind)
    }

    let known = try storages(of: object.machine)
    var places: [TorchStorage: Range<Int>] = [:]
    for item in items {
      guard case .string(let key) = keys.machine[item], let storage = known[key] else {
        throw malformed(start, "keys of storages that the object has", keys.machine[item].kind)
      }
      guard bytes.count - position >= 8 else {
        throw malformed(position, "8 bytes of a storage's size", "\(bytes.count - position)")
      }
      let count = Int64(
        littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Int64.self))
      guard count == storage.elementCount else {
        throw malformed(position, "\(storage.elementCount) elements", "\(count)")
      }
      position += 8
      let size = product(storage.elementCount, storage.type.byteCount)
      guard size <= bytes.count - position else {
        throw malformed(
          position, "\(size) bytes of storage \(quoted(key))", "\(bytes.count - position)")
      }
      guard places.updateValue(position..<position + size, forKey: storage) == nil else {
        throw malformed(position, "each storage once", "storage \(quoted(key)) again")
      }
      position += size
    }
    guard position == bytes.count else {
      throw malformed(position, "the end of the file", "\(bytes.count - position) more bytes")
    }

    let wanted = try select(found.dictionaries)
    return try readTensors(
      wanted, of: found.tensors, budget: DecodedBytes(limits, fileBytes: bytes.count)
    ) {
      (storage, _) throws(ImportError) in
      guard let place = places[storage] else {
        throw malformed(start, "the key \(quoted(storage.key)) in the list of storages", "none")
      }
      return Array(bytes[place])
    }
  }
}

/// All storages that a pickle names, by key.
private func storages(of machine: PickleMachine) throws(ImportError) -> [String: TorchStorage] {
  var result: [String: TorchStorage] = [:]
  for case .storage(let storage) in machine.objects {
    guard result.updateValue(storage, forKey: storage.key) ?? storage == storage else {
      throw .malformed(
        part: "legacy PyTorch file", offset: 0, expected: "one kind and size of each storage",
        found: "two of storage \(quoted(storage.key))")
    }
  }
  return result
}
