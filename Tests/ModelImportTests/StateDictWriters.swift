// SPDX-License-Identifier: Apache-2.0

import ResNetModelImport
import TestPlans

extension StoredType {
  var torchStorage: String {
    switch self {
    case .float32: "FloatStorage"
    case .float16: "HalfStorage"
    case .bfloat16: "BFloat16Storage"
    }
  }
}

/// The bytes of a storage for each tensor, by key.
func storages(_ tensors: NamedTensors, _ type: StoredType) -> [(String, [UInt8])] {
  tensors.enumerated().map { ("\($0)", type.encode($1.tensor.values)) }
}

extension Pickle {
  /// A dictionary with one tensor for each storage, keyed from `firstKey` on.
  static func stateDict(
    _ tensors: NamedTensors, _ type: StoredType = .float32, firstKey: Int = 0,
    isLegacy: Bool = false
  ) -> Pickle {
    dictionary(
      tensors.enumerated().map { index, named in
        let key = "\(firstKey + index)"
        return (
          named.name,
          tensor(named.tensor.shape, key: key, storage: type.torchStorage, isLegacy: isLegacy)
        )
      })
  }
}

/// What `torch.save` writes of a state dictionary.
func torchFile(_ tensors: NamedTensors, _ type: StoredType = .float32) throws -> [UInt8] {
  try torchArchive(pickle(.stateDict(tensors, type)), storages(tensors, type))
}

/// What `torch.save` wrote before PyTorch 1.6, around an object.
func legacyTorchFile(
  _ object: Pickle, _ storages: [(key: String, count: Int, bytes: [UInt8])],
  version: Int = 1001, isLittleEndian: Bool = true
) -> [UInt8] {
  // The magic number 0x1950a86a20f9469cfc6c.
  var file: [UInt8] = [
    0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
  ]
  file += pickle(.int(version))
  file += pickle(.plain(["little_endian": .code(isLittleEndian ? 0x88 : 0x89)]))
  file += pickle(object)
  file += pickle(.ops("](") + Pickle(storages.flatMap { Pickle.text($0.key).bytes }) + .ops("e"))
  for storage in storages { file += littleEndian(Int64(storage.count)) + storage.bytes }
  return file
}

/// The same of a state dictionary.
func legacyTorchFile(_ tensors: NamedTensors, _ type: StoredType = .float32) -> [UInt8] {
  legacyTorchFile(
    .stateDict(tensors, type, isLegacy: true),
    tensors.enumerated().map {
      (key: "\($0)", count: $1.tensor.values.count, bytes: type.encode($1.tensor.values))
    })
}
