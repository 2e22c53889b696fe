// SPDX-License-Identifier: Apache-2.0

/// A dictionary of tensors by name in a file, of which none was read yet.
struct StoredDictionary {
  /// The keys that lead to it, joined by points; empty for the file's own dictionary.
  var path = ""
  /// The path, nil if it is empty.
  var wrapper: String? { path.isEmpty ? nil : path }
  var tensors: [String: StoredTensor] = [:]
  /// Entries that are no tensors, with what they are.
  var others: [String: String] = [:]

  /// Makes `weight` of each `weight_orig` and `weight_mask`, as PyTorch's pruning leaves them.
  mutating func joinMasks() {
    for (name, mask) in tensors where name.hasSuffix("_mask") {
      let plain = String(name.dropLast("_mask".count))
      guard var tensor = tensors[plain + "_orig"], tensors[plain] == nil,
        tensor.shape == mask.shape, tensor.isFloat, mask.isFloat
      else { continue }
      tensor.mask = mask.place
      tensors[plain] = tensor
      tensors[plain + "_orig"] = nil
      tensors[name] = nil
    }
  }
}

/// A tensor in a file.
struct StoredTensor {
  var shape: [Int]
  /// Whether it may be weights: it is no tensor of integers.
  var isFloat: Bool
  /// Its number, by which the reader of the file finds it.
  var place: Int
  /// The number of the tensor of the same shape that it is to be multiplied by.
  var mask: Int?
}
