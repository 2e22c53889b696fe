// SPDX-License-Identifier: Apache-2.0

/// The tensors that a PyTorch pickle names.
struct StateDictionary {
  /// In the order of the file.
  private(set) var tensors: [(name: String, tensor: TorchTensor)] = []

  /// The keys of the dictionaries that led to the tensors, nil if the top one held them.
  private(set) var wrapper: String?

  /// The keys of other dictionaries of weights.
  private(set) var passedOver: [String] = []

  /// Where training loops put the weights, the best first: averaged ones (EMA), as timm and
  /// torchvision prefer them, then the others.
  private static let wrappers = [
    "state_dict_ema", "model_ema", "model_ema_state_dict", "ema_state_dict", "ema_model", "ema",
    "state_dict", "model_state_dict", "model", "net", "network",
  ]

  private typealias Entries = [(key: PickleReference, value: PickleReference)]

  /// Reads the object `root` that a machine made: a dictionary of tensors by name, or a training
  /// checkpoint that has such a dictionary under a known key next to other data, which are ignored.
  ///
  /// - Parameter weights: the key of the dictionary to take, if there are several.
  init(_ machine: PickleMachine, _ root: PickleReference, weights: String?) throws(ImportError) {
    guard case .dictionary(var entries) = machine[root] else {
      throw .unexpectedEntry(name: "", expected: Self.expected, found: machine[root].kind)
    }
    var path: [String] = []
    // A hostile dictionary may hold itself.
    while path.count < 4 {
      var keys = Self.wrappers
      if path.isEmpty, let weights, !keys.contains(weights) { keys.append(weights) }
      var found = try Self.dictionaries(in: entries, keys, machine)
      if path.isEmpty, let weights, let index = found.firstIndex(where: { $0.key == weights }) {
        found.swapAt(0, index)
      }
      guard let chosen = found.first else { break }
      passedOver += found.dropFirst().map { (path + [$0.key]).joined(separator: ".") }
      path.append(chosen.key)
      entries = chosen.entries
    }
    if !path.isEmpty { wrapper = path.joined(separator: ".") }
    if let weights, !path.isEmpty, path[0] != weights { throw .noSuchWeights(name: weights) }
    try read(entries, machine)
  }

  private static let expected = "a dictionary of tensors by name"

  /// The dictionaries with one of `keys`, in the order of these.
  private static func dictionaries(
    in entries: Entries, _ keys: [String], _ machine: PickleMachine
  ) throws(ImportError) -> [(key: String, entries: Entries)] {
    var byKey: [String: PickleReference] = [:]
    for entry in entries {
      // Of a key set twice the last value counts, as in Python.
      if case .string(let key) = machine[entry.key], keys.contains(key) { byKey[key] = entry.value }
    }
    var found: [(key: String, entries: Entries)] = []
    for key in keys {
      guard let value = byKey[key], case .dictionary(let entries) = machine[value],
        entries.contains(where: { holdsTensors(machine[$0.value]) })
      else { continue }
      found.append((key, entries))
    }
    if found.isEmpty,
      let wrong = keys.first(where: { byKey[$0].map { !isTensor(machine[$0]) } ?? false }),
      let value = byKey[wrong]
    {
      throw .unexpectedEntry(name: wrong, expected: expected, found: machine[value].kind)
    }
    return found
  }

  private static func isTensor(_ value: PickleValue) -> Bool {
    if case .tensor = value { return true }
    return false
  }

  /// Whether the value is a tensor or may have tensors in it.
  private static func holdsTensors(_ value: PickleValue) -> Bool {
    if case .dictionary = value { return true }
    return isTensor(value)
  }

  private mutating func read(_ entries: Entries, _ machine: PickleMachine) throws(ImportError) {
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
