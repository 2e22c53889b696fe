// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

/// The dictionaries of tensors by name in what a PyTorch pickle describes, wherever they are.
struct StateDictionaries {
  /// Those nearer to the top first. A tensor's place is its number in `tensors`.
  private(set) var dictionaries: [StoredDictionary] = []
  private(set) var tensors: [TorchTensor] = []

  /// How many dictionaries, lists and tuples are looked at, and how deep they may lie.
  private static let (containers, depth) = (1 << 16, 8)

  /// Looks through the object `root` that a machine made. What is neither a tensor nor leads to one is left alone.
  init(_ machine: PickleMachine, _ root: PickleReference) throws(ImportError) {
    var queue: [(object: PickleReference, path: [String])] = [(root, [])]
    var isMet: Set<Int32> = [root.index]
    var opaque: (path: [String], name: String)?
    var next = 0
    while next < queue.count {
      let (object, path) = queue[next]
      next += 1
      func meet(_ item: PickleReference, _ key: String) {
        switch machine[item] {
        case .dictionary, .list, .tuple:
          guard path.count < Self.depth, queue.count < Self.containers, key.utf8.count <= 100,
            isMet.insert(item.index).inserted
          else { return }
          queue.append((item, path + [key]))
        case .opaque(let name): if opaque == nil { opaque = (path + [key], name) }
        default: break
        }
      }
      switch machine[object] {
      case .dictionary(let entries):
        for (key, value) in entries {
          switch machine[key] {
          case .string(let key): meet(value, key)
          case .int(let key): meet(value, "\(key)")
          default: break
          }
        }
        try append(entries, path.joined(separator: "."), machine)
      case .list(let items), .tuple(let items):
        for (index, item) in items.enumerated() { meet(item, "\(index)") }
      case .opaque(let name) where path.isEmpty: opaque = ([], name)
      default: break
      }
    }
    guard dictionaries.isEmpty else { return }
    if let (path, name) = opaque {
      let place = path.isEmpty ? "" : " under \(quoted(path.joined(separator: ".")))"
      throw .unsupportedFormat(
        looksLike: "a pickled object of the class \(quoted(name))\(place), such as a whole model "
          + "(save its state_dict() instead)")
    }
    var found = machine[root].kind
    if case .dictionary = machine[root] { found += " without tensors" }
    throw .unexpectedEntry(name: "", expected: "a dictionary of tensors by name", found: found)
  }

  private mutating func append(
    _ entries: [(key: PickleReference, value: PickleReference)], _ path: String,
    _ machine: PickleMachine
  ) throws(ImportError) {
    var dictionary = StoredDictionary(path: path)
    for (key, value) in entries {
      guard case .string(let name) = machine[key] else { continue }
      switch machine[value] {
      case .tensor(let tensor):
        // One tensor may have many names.
        try checkLimit(tensors.count + 1, machine.limits.tensors, "tensors in a file")
        let isFloat = if case .float = tensor.storage.type { true } else { false }
        let stored = StoredTensor(shape: tensor.view.shape, isFloat: isFloat, place: tensors.count)
        tensors.append(tensor)
        guard dictionary.tensors.updateValue(stored, forKey: name) == nil else {
          throw .duplicateTensor(name: name)
        }
      case .opaque(let kind): dictionary.others[name] = kind
      default: break
      }
    }
    if !dictionary.tensors.isEmpty { dictionaries.append(dictionary) }
  }
}
