// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlatform

/// What `torch.save(model.state_dict(), path)` has written since PyTorch 1.6.
///
/// The archive holds, below one folder of any name, `data.pkl` (the dictionary, as a pickle),
/// `data/<key>` (the elements of one storage each), `version` and, in newer files, `byteorder`.
/// A storage may be shared by several tensors; it is unpacked once.
enum TorchArchive: StateDictionaryReader {
  static let format = "torch.save archive"

  static func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool {
    // "PK" and the mark of a local file header, or of the end of an archive without entries.
    bytes.begins([0x50, 0x4b, 0x03, 0x04]) || bytes.begins([0x50, 0x4b, 0x05, 0x06])
  }

  static func tensors(
    _ bytes: UnsafeRawBufferPointer, _ limits: ImportLimits, select: Selector
  ) throws(ImportError) -> [String: Tensor] {
    let archive = try ZipArchive(bytes, limits: limits)
    let folder = try torchFolder(archive.entries)
    try checkVersionAndByteOrder(archive, folder: folder)

    guard let pickleEntry = archive.entries[folder + "data.pkl"] else {
      throw .missingEntry(name: folder + "data.pkl")
    }
    try checkLimit(pickleEntry.size, limits.pickleBytes, "bytes in data.pkl")
    let pickle = try archive.read(pickleEntry)
    var machine = PickleMachine(pickle, limits: limits)
    let root = try machine.run()
    let found = try StateDictionaries(machine, root)
    let wanted = try select(found.dictionaries)
    return try readTensors(
      wanted, of: found.tensors, budget: DecodedBytes(limits, fileBytes: bytes.count)
    ) {
      (storage, name) throws(ImportError) in
      try readStorage(storage, archive, limits, folder: folder, tensor: name)
    }
  }
}

/// The archive's only folder that holds a `data.pkl`, with the slash.
private func torchFolder(_ entries: [String: ZipArchive.Entry]) throws(ImportError) -> String {
  let pickle = "data.pkl"
  let folders = entries.keys.filter { name in
    name.hasSuffix("/" + pickle) && name.split(separator: "/").count == 2
  }
  guard folders.count == 1, let folder = folders.first?.dropLast(pickle.count) else {
    if folders.isEmpty, let kind = otherArchive(entries) {
      throw .unsupportedFormat(looksLike: kind)
    }
    if folders.isEmpty { throw .missingEntry(name: "<archive>/" + pickle) }
    throw .badArchive(entry: "", reason: "\(folders.count) entries named data.pkl")
  }
  // torch.jit.save writes the same kind of archive, with the model's code in it.
  guard entries[folder + "constants.pkl"] == nil else {
    throw .unsupportedFormat(looksLike: "a TorchScript archive (save the state_dict() instead)")
  }
  return String(folder)
}

/// What a zip archive without a pickle is by its entries; nil if that is not known.
private func otherArchive(_ entries: [String: ZipArchive.Entry]) -> String? {
  func has(_ suffixes: String...) -> Bool {
    entries.keys.contains { name in suffixes.contains { name.hasSuffix($0) } }
  }
  if has("serialized_exported_program.json", "models/model.json", "archive_format") {
    return "a program of torch.export (save the state_dict() of the model instead, or export ONNX)"
  }
  if has("model.weights.h5") { return "a Keras model (export ONNX with tf2onnx instead)" }
  if has(".npy") { return "an archive of NumPy arrays (.npz; save them as safetensors instead)" }
  if has(".pth", ".pt", ".safetensors", ".onnx", ".bin") {
    return "a zip archive of other files (unzip it first)"
  }
  return nil
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
  try checkLimit(entry.size, 64, "bytes in zip entry \(quoted(name))")
  return String(decoding: try archive.read(entry), as: UTF8.self).trimmed
}

private func readStorage(
  _ storage: TorchStorage, _ archive: borrowing ZipArchive, _ limits: ImportLimits, folder: String,
  tensor name: String
) throws(ImportError) -> [UInt8] {
  guard let entry = archive.entries[folder + "data/" + storage.key] else {
    throw .missingEntry(name: folder + "data/" + storage.key)
  }
  try checkByteCount(entry.size, of: storage.type, storage.elementCount, tensor: name)
  try checkLimit(entry.size, limits.decodedBytes, "bytes in a tensor's storage")
  return try archive.read(entry)
}
