// SPDX-License-Identifier: Apache-2.0

/// Reads the wanted tensors out of their storages, each of which is asked for once; other storages are not touched.
///
/// - Parameters:
///   - wanted: the names by the tensors' numbers in `tensors`.
///   - readStorage: gives all bytes of a storage; told also the name of a tensor in it.
func readTensors(
  _ wanted: [Int: String], of tensors: [TorchTensor], limits: ImportLimits,
  readStorage: (TorchStorage, String) throws(ImportError) -> [UInt8]
) throws(ImportError) -> [String: Tensor] {
  var contents: [String: Tensor] = [:]
  var budget = DecodedBytes(limit: limits.decodedBytes)
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
      let values = decode(view, of: type, from: data)
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

/// The values of a view that was checked, of a storage with the elements `data`.
private func decode(_ view: StridedView, of type: FloatType, from data: [UInt8]) -> [Float] {
  guard let count = elementCount(of: view.shape), count > 0 else { return [] }
  return data.withUnsafeBytes { bytes in
    if view.isContiguous {
      let start = view.offset * type.byteCount
      let slice = UnsafeRawBufferPointer(rebasing: bytes[start..<start + count * type.byteCount])
      return type.decode(slice, count: count)
    }
    let elements = type.decode(bytes, count: bytes.count / type.byteCount)
    return view.gather(from: elements)
  }
}
