// SPDX-License-Identifier: Apache-2.0

/// Reads the wanted tensors out of their storages, each of which is asked for once; other storages are not touched.
///
/// - Parameters:
///   - wanted: the names by the tensors' numbers in `tensors`.
///   - readStorage: gives all bytes of a storage; told also the name of a tensor in it.
func readTensors(
  _ wanted: [Int: String], of tensors: [TorchTensor], budget: consuming DecodedBytes,
  readStorage: (TorchStorage, String) throws(ImportError) -> [UInt8]
) throws(ImportError) -> [String: Tensor] {
  var contents: [String: Tensor] = [:]
  var byStorage: [TorchStorage: [(name: String, view: StridedView)]] = [:]
  for (place, name) in wanted {
    let tensor = tensors[place]
    let count = try checkView(tensor.view, of: tensor.storage, tensor: name)
    try budget.reserve(elements: count)
    byStorage[tensor.storage, default: []].append((name, tensor.view))
  }

  // In the order of the storages' keys, so that the first of several errors is always the same.
  for (storage, views) in byStorage.sorted(by: { $0.key.key < $1.key.key }) {
    guard case .float(let type) = storage.type, let first = views.map(\.name).min() else {
      continue
    }
    let data = try readStorage(storage, first)
    for (name, view) in views {
      let values = data.withUnsafeBytes { type.decode($0, view) }
      try checkFinite(values, tensor: name)
      contents[name] = Tensor(shape: view.shape, values: values)
    }
  }
  return contents
}

/// Checks that a tensor lies inside its storage; returns how many elements it has.
private func checkView(_ view: StridedView, of storage: TorchStorage, tensor name: String)
  throws(ImportError) -> Int
{
  guard let count = elementCount(of: view.shape) else {
    throw .badShape(tensor: name, shape: view.shape)
  }
  if count == 0 { return 0 }
  let last = view.lastElement
  guard last < storage.elementCount else {
    throw .outsideStorage(
      tensor: name, storage: storage.key, lastElement: last, elementCount: storage.elementCount)
  }
  return count
}
