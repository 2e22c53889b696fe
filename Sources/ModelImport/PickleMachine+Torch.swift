// SPDX-License-Identifier: Apache-2.0

/// The calls that a state dictionary's pickle asks for, turned into descriptions. A call with other arguments than
/// `torch.save` gives makes an opaque value.
extension PickleMachine {
  /// The result of calling the object `callable`.
  mutating func reduce(_ callable: PickleReference, arguments: PickleReference)
    throws(ImportError) -> PickleValue
  {
    guard case .global(let global) = self[callable], case .tuple(let items) = self[arguments] else {
      return .opaque(name(of: callable))
    }
    var tensor: TorchTensor?
    switch global.kind {
    case .dictionary: return .dictionary(try entries(items, global.name))
    case .rebuildTensor: tensor = rebuildTensor(items, 6...7)
    case .rebuildOldTensor: tensor = rebuildTensor(items, 4...4)
    case .rebuildParameter:
      // (data, requires_grad, backward hooks [, attributes])
      if [3, 4].contains(items.count), case .tensor(let data) = self[items[0]] { tensor = data }
    case .rebuildFromType:
      // (function, class, its arguments, attributes)
      if items.count == 4, case .global(let type) = self[items[1]], case .tensorType = type.kind,
        case .global(let function) = self[items[0]], case .tuple(let own) = self[items[2]]
      {
        switch function.kind {
        case .rebuildTensor: tensor = rebuildTensor(own, 6...7)
        case .rebuildParameter where !own.isEmpty:
          if case .tensor(let data) = self[own[0]] { tensor = data }
        default: break
        }
      }
    case .storage, .tensorType, .other: break
    }
    return tensor.map { .tensor($0) } ?? .opaque(global.name)
  }

  /// The result of NEWOBJ and its like for the class `type`, whose arguments do not matter.
  func makeObject(_ type: PickleReference) -> PickleValue {
    if case .global(let global) = self[type], case .dictionary = global.kind {
      return .dictionary([])
    }
    return .opaque(name(of: type))
  }

  /// What an object is called that is called itself.
  private func name(of callable: PickleReference) -> String {
    switch self[callable] {
    case .global(let global): global.name
    case .opaque(let name): name
    default: self[callable].kind
    }
  }

  /// What a dictionary is made of: nothing, or for Python 2's OrderedDict a list of lists of key and value.
  private mutating func entries(_ items: [PickleReference], _ name: String)
    throws(ImportError) -> [(key: PickleReference, value: PickleReference)]
  {
    guard name == "collections.OrderedDict", items.count == 1,
      case .list(let pairs) = self[items[0]]
    else { return [] }
    try copy(pairs.count)
    return pairs.compactMap { pair in
      switch self[pair] {
      case .list(let pair) where pair.count == 2, .tuple(let pair) where pair.count == 2:
        (pair[0], pair[1])
      default: nil
      }
    }
  }

  /// The storage that a persistent identifier names:
  /// `("storage", storage class, key, device, element count)`. The legacy format adds the place in
  /// another storage, which must be None, as it is since PyTorch 0.4.
  func makeStorage(_ identifier: PickleReference) -> PickleValue {
    guard case .tuple(let items) = self[identifier], items.count == 5 || isWhole(items),
      case .string("storage") = self[items[0]],
      case .global(let global) = self[items[1]], case .storage(let type) = global.kind,
      case .string(let key) = self[items[2]], case .string = self[items[3]],
      case .int(let count) = self[items[4]], count >= 0
    else {
      // The older format has whole modules so: ("module", class, …).
      guard case .tuple(let items) = self[identifier], items.count > 1 else {
        return .opaque("a persistent object")
      }
      return .opaque(name(of: items[1]))
    }
    return .storage(TorchStorage(type: type, key: key, elementCount: count))
  }

  private func isWhole(_ items: [PickleReference]) -> Bool {
    guard items.count == 6, case .none = self[items[5]] else { return false }
    return true
  }

  /// `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward hooks
  /// [, metadata])`, or `_rebuild_tensor` with the first four; nil if the arguments are others.
  private func rebuildTensor(_ items: [PickleReference], _ counts: ClosedRange<Int>)
    -> TorchTensor?
  {
    guard counts.contains(items.count), case .storage(let storage) = self[items[0]],
      case .int(let first) = self[items[1]], first >= 0, let shape = sizes(items[2]),
      let strides = sizes(items[3]), shape.count == strides.count,
      items.count < 7 || isPlain(items[6])
    else { return nil }
    return TorchTensor(
      storage: storage, view: StridedView(offset: first, shape: shape, strides: strides))
  }

  /// Whether a tensor's metadata are none: others may say that its values are to be negated.
  private func isPlain(_ metadata: PickleReference) -> Bool {
    switch self[metadata] {
    case .none: true
    case .dictionary(let entries): entries.isEmpty
    default: false
    }
  }

  /// The integers of a tuple that holds only integers of 0 or more, as many as there may be dimensions; otherwise
  /// nil.
  private func sizes(_ reference: PickleReference) -> [Int]? {
    guard case .tuple(let items) = self[reference], items.count <= ImportLimits.dimensions else {
      return nil
    }
    var result: [Int] = []
    for item in items {
      guard case .int(let value) = self[item], value >= 0 else { return nil }
      result.append(value)
    }
    return result
  }
}
