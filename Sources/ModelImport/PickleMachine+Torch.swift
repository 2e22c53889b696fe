// SPDX-License-Identifier: Apache-2.0

/// The calls that a state dictionary's pickle asks for, turned into descriptions.
extension PickleMachine {
  /// The result of calling the object `callable`, one of the known functions.
  func reduce(_ callable: PickleReference, arguments: PickleReference)
    throws(ImportError) -> PickleValue
  {
    guard case .global(let global) = self[callable], case .tuple(let items) = self[arguments] else {
      throw .refusedCall(
        name: "REDUCE", offset: offset,
        found: "\(self[callable].kind) called with \(self[arguments].kind)")
    }
    switch global.kind {
    case .orderedDictionary:
      guard items.isEmpty else { throw refused(global.name, "\(items.count) arguments") }
      return .dictionary([])
    case .rebuildTensor: return .tensor(try rebuildTensor(items, 6...7, global.name))
    case .rebuildOldTensor: return .tensor(try rebuildTensor(items, 4...4, global.name))
    case .inert: return .inert
    case .rebuildParameter:
      // (data, requires_grad, backward hooks)
      guard items.count == 3, case .tensor(let tensor) = self[items[0]] else {
        throw refused(global.name, kinds(items))
      }
      return .tensor(tensor)
    case .storage: throw refused(global.name, "a call, where only its name is expected")
    }
  }

  /// The result of NEWOBJ for the class `type`, whose arguments do not matter.
  func makeObject(_ type: PickleReference) throws(ImportError) -> PickleValue {
    guard case .global(let global) = self[type], case .inert = global.kind else {
      throw .refusedCall(name: "NEWOBJ", offset: offset, found: self[type].kind)
    }
    return .inert
  }

  /// The storage that a persistent identifier names:
  /// `("storage", storage class, key, device, element count)`. The legacy format adds the place in
  /// another storage, which must be None, as it is since PyTorch 0.4.
  func makeStorage(_ identifier: PickleReference) throws(ImportError) -> TorchStorage {
    guard case .tuple(let items) = self[identifier], items.count == 5 || isWhole(items),
      case .string("storage") = self[items[0]],
      case .global(let global) = self[items[1]], case .storage(let type) = global.kind,
      case .string(let key) = self[items[2]], case .string = self[items[3]],
      case .int(let count) = self[items[4]], count >= 0
    else {
      var found = self[identifier].kind
      if case .tuple(let items) = self[identifier] { found = kinds(items) }
      throw refused("BINPERSID", found)
    }
    return TorchStorage(type: type, key: key, elementCount: count)
  }

  private func isWhole(_ items: [PickleReference]) -> Bool {
    guard items.count == 6, case .none = self[items[5]] else { return false }
    return true
  }

  /// `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward hooks
  /// [, metadata])`, or `_rebuild_tensor` with the first four.
  private func rebuildTensor(
    _ items: [PickleReference], _ counts: ClosedRange<Int>, _ name: String
  ) throws(ImportError) -> TorchTensor {
    guard counts.contains(items.count), case .storage(let storage) = self[items[0]],
      case .int(let first) = self[items[1]], first >= 0
    else { throw refused(name, kinds(items)) }
    guard let shape = sizes(items[2]), let strides = sizes(items[3]), shape.count == strides.count
    else { throw refused(name, "a size or stride that is not a tuple of as many counts") }
    return TorchTensor(
      storage: storage, view: StridedView(offset: first, shape: shape, strides: strides))
  }

  /// The integers of a tuple that holds only integers of 0 or more; otherwise nil.
  private func sizes(_ reference: PickleReference) -> [Int]? {
    guard case .tuple(let items) = self[reference] else { return nil }
    var result: [Int] = []
    for item in items {
      guard case .int(let value) = self[item], value >= 0 else { return nil }
      result.append(value)
    }
    return result
  }

  private func kinds(_ items: [PickleReference]) -> String {
    let shown = items.prefix(8).map { self[$0].kind }.joined(separator: ", ")
    return "(\(shown)\(items.count > 8 ? ", …" : ""))"
  }

  private func refused(_ name: String, _ found: String) -> ImportError {
    .refusedCall(name: name, offset: offset, found: found)
  }
}
