// SPDX-License-Identifier: Apache-2.0

/// The tensors that a PyTorch pickle names.
struct StateDictionary {
  /// In the order of the file.
  private(set) var tensors: [(name: String, tensor: TorchTensor)] = []

  /// The key of the top dictionary that led to the tensors, nil if they were in it.
  private(set) var wrapper: String?

  /// Reads `pickle`: a dictionary of tensors by name, or a training checkpoint that has such a
  /// dictionary under `state_dict` next to other data, which are ignored.
  init(pickle: [UInt8], limits: ImportLimits) throws(ImportError) {
    var machine = PickleMachine(pickle, limits: limits)
    let root = try machine.run()
    let expected = "a dictionary of tensors by name"
    guard case .dictionary(var entries) = machine[root] else {
      throw .unexpectedEntry(name: "", expected: expected, found: machine[root].kind)
    }
    let key = "state_dict"
    // Of a key set twice the last value counts, as in Python.
    for entry in entries.reversed() {
      if case .string(key) = machine[entry.key] {
        guard case .dictionary(let inner) = machine[entry.value] else {
          throw .unexpectedEntry(name: key, expected: expected, found: machine[entry.value].kind)
        }
        entries = inner
        wrapper = key
        break
      }
    }
    var names: Set<String> = []
    for entry in entries {
      guard case .string(let name) = machine[entry.key] else {
        throw .unexpectedEntry(
          name: "", expected: "names of tensors as keys", found: machine[entry.key].kind)
      }
      guard case .tensor(let tensor) = machine[entry.value] else {
        throw .unexpectedEntry(
          name: name, expected: "a tensor", found: machine[entry.value].kind)
      }
      guard names.insert(name).inserted else { throw .duplicateTensor(name: name) }
      tensors.append((name, tensor))
    }
  }
}
