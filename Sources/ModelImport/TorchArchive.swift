// SPDX-License-Identifier: Apache-2.0

/// Reads what `torch.save(model.state_dict(), path)` has written since PyTorch 1.6.
///
/// The archive holds, below one folder of any name, `data.pkl` (the dictionary, as a pickle),
/// `data/<key>` (the elements of one storage each), `version` and, in newer files, `byteorder`.
/// A storage may be shared by several tensors; it is unpacked once.
func readTorchArchive(_ bytes: UnsafeRawBufferPointer, limits: ImportLimits)
  throws(ImportError) -> CheckpointContents
{
  let archive = try ZipArchive(bytes, limits: limits)
  let folder = try torchFolder(archive.entries)
  try checkVersionAndByteOrder(archive, folder: folder)

  guard let pickleEntry = archive.entries[folder + "data.pkl"] else {
    throw .missingEntry(name: folder + "data.pkl")
  }
  guard pickleEntry.size <= limits.pickleBytes else {
    throw .limitExceeded(
      what: "bytes in data.pkl", limit: limits.pickleBytes, found: pickleEntry.size)
  }
  let pickle = try archive.read(pickleEntry)
  let dictionary = try StateDictionary(pickle: pickle, limits: limits)

  var contents = CheckpointContents(wrapper: dictionary.wrapper)
  var budget = DecodedBytes(limit: limits.decodedBytes)
  var byStorage: [TorchStorage: [(name: String, view: StridedView)]] = [:]
  for (name, tensor) in dictionary.tensors {
    if case .integer = tensor.storage.type {
      contents.skipped.append(name)
      continue
    }
    let count = try checkView(tensor.view, of: tensor.storage, tensor: name)
    try budget.reserve(elements: count)
    byStorage[tensor.storage, default: []].append((name, tensor.view))
  }

  // In the order of the storages' keys, so that the first of several errors is always the same.
  for (storage, views) in byStorage.sorted(by: { $0.key.key < $1.key.key }) {
    let first = views[0].name
    guard case .float(let type) = storage.type else {
      throw .unsupportedElementType(tensor: first, found: storage.type.name)
    }
    let data = try readStorage(storage, archive, folder: folder, tensor: first)
    for (name, view) in views {
      let values = decode(view, of: type, from: data)
      try checkFinite(values, tensor: name)
      contents.tensors[name] = Tensor(shape: view.shape, values: values)
    }
  }
  return contents
}

/// The archive's only folder that holds a `data.pkl`, with the slash.
private func torchFolder(_ entries: [String: ZipArchive.Entry]) throws(ImportError) -> String {
  let pickle = "data.pkl"
  let folders = entries.keys.filter { name in
    name.hasSuffix("/" + pickle) && name.split(separator: "/").count == 2
  }
  guard folders.count == 1, let folder = folders.first?.dropLast(pickle.count) else {
    if folders.isEmpty { throw .missingEntry(name: "<archive>/" + pickle) }
    throw .badArchive(entry: "", reason: "\(folders.count) entries named data.pkl")
  }
  // torch.jit.save writes the same kind of archive, with the model's code in it.
  guard entries[folder + "constants.pkl"] == nil else {
    throw .unsupportedFormat(looksLike: "a TorchScript archive (save the state_dict() instead)")
  }
  return String(folder)
}

private func checkVersionAndByteOrder(_ archive: borrowing ZipArchive, folder: String)
  throws(ImportError)
{
  if let text = try readText(archive, folder + "byteorder") {
    if text == "big" { throw .bigEndian }
    guard text == "little" else {
      throw .malformed(
        part: "byteorder", offset: 0, expected: "\"little\" or \"big\"", found: quoted(text))
    }
  }
  // PyTorch has raised the version as it added features, to 10 so far; state dictionaries have
  // not changed since 3, but a file from the future may have.
  guard let text = try readText(archive, folder + "version") else {
    throw .missingEntry(name: folder + "version")
  }
  guard let version = Int(text), (1...10).contains(version) else {
    throw .malformed(
      part: "version", offset: 0, expected: "an integer from 1 to 10", found: quoted(text))
  }
}

/// The text of a short entry without the space around it; nil if there is no such entry.
private func readText(_ archive: borrowing ZipArchive, _ name: String)
  throws(ImportError) -> String?
{
  guard let entry = archive.entries[name] else { return nil }
  guard entry.size <= 64 else {
    throw .limitExceeded(what: "bytes in zip entry \(quoted(name))", limit: 64, found: entry.size)
  }
  let space: [UInt8] = [0x20, 0x09, 0x0a, 0x0d]
  let bytes = try archive.read(entry)
  let text = bytes.drop { space.contains($0) }.reversed().drop { space.contains($0) }.reversed()
  return String(decoding: Array(text), as: UTF8.self)
}

/// Checks that a tensor lies inside its storage; returns how many elements it has.
private func checkView(_ view: StridedView, of storage: TorchStorage, tensor name: String)
  throws(ImportError) -> Int
{
  guard let count = elementCount(of: view.shape) else {
    throw .badShape(tensor: name, shape: view.shape)
  }
  if count == 0 { return 0 }
  let last = view.lastElement ?? Int.max
  guard last < storage.elementCount else {
    throw .outsideStorage(
      tensor: name, storage: storage.key, lastElement: last, elementCount: storage.elementCount)
  }
  return count
}

private func readStorage(
  _ storage: TorchStorage, _ archive: borrowing ZipArchive, folder: String, tensor name: String
) throws(ImportError) -> [UInt8] {
  guard let entry = archive.entries[folder + "data/" + storage.key] else {
    throw .missingEntry(name: folder + "data/" + storage.key)
  }
  let (expected, overflowed) = storage.elementCount.multipliedReportingOverflow(
    by: storage.type.byteCount)
  guard !overflowed, expected == entry.size else {
    throw .byteCountMismatch(
      tensor: name, expected: overflowed ? Int.max : expected, found: entry.size)
  }
  return try archive.read(entry)
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
