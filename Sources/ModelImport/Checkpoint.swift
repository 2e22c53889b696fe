// SPDX-License-Identifier: Apache-2.0

import Platform

/// A model's tensors by name, read from a file.
///
/// Only floating-point tensors are kept, as float32; integer ones, such as PyTorch's
/// `num_batches_tracked`, carry no weights and are listed in `skipped`.
public struct Checkpoint: Equatable, Sendable {
  /// Where a checkpoint came from.
  public enum Format: Equatable, Sendable {
    /// The safetensors format of Hugging Face.
    case safetensors
    /// What `torch.save` has written since PyTorch 1.6: a zip archive with a pickle in it.
    case torchZip
    /// No file: weights drawn by a generator that began with `seed`.
    case random(seed: UInt64)
  }

  /// The floating-point tensors, all values finite.
  public var tensors: [String: Tensor]

  /// What kind of file it was.
  public let format: Format

  /// The SHA-256 of the source file as 64 hexadecimal digits; empty if there was no file.
  public let sha256: String

  /// The names of integer tensors, which were not read, in alphabetical order.
  public var skipped: [String]

  /// The key of the top dictionary under which the tensors were found, such as `state_dict`;
  /// nil if the top dictionary held them itself.
  public let wrapper: String?

  /// The prefix that every tensor's name had and that was removed, `module.` as
  /// `DataParallel` adds it; nil if there was none.
  public let strippedPrefix: String?

  /// Makes a checkpoint from tensors that are already in memory.
  public init(
    tensors: [String: Tensor], format: Format, sha256: String = "", skipped: [String] = [],
    wrapper: String? = nil, strippedPrefix: String? = nil
  ) {
    self.tensors = tensors
    self.format = format
    self.sha256 = sha256
    self.skipped = skipped
    self.wrapper = wrapper
    self.strippedPrefix = strippedPrefix
  }

  /// Reads the checkpoint at `path`; its kind is known by its contents, not by its name.
  ///
  /// Every count, offset and size is checked before it is used, and nothing in the file is
  /// executed, so a damaged or hostile file gives an error and never a crash. If another process
  /// shortens the file meanwhile, the process ends with SIGBUS, as with any mapped file.
  ///
  /// - Throws: `ImportError`, for each of its cases.
  /// - **Allocates:** 4 bytes for each value, and while a PyTorch archive is read its largest
  ///   storage once more.
  public init(contentsOf path: String) throws(ImportError) {
    let file = try map(path)
    try self.init(bytes: file.bytes)
    withExtendedLifetime(file) {}
  }

  /// Reads the checkpoint whose file has the contents `bytes`.
  package init(bytes: UnsafeRawBufferPointer, limits: ImportLimits = ImportLimits())
    throws(ImportError)
  {
    let contents: CheckpointContents
    let format: Format
    switch try FileKind(of: bytes) {
    case .safetensors:
      contents = try readSafetensors(bytes, limits: limits)
      format = .safetensors
    case .zip:
      contents = try readTorchArchive(bytes, limits: limits)
      format = .torchZip
    }
    let (stripped, prefix) = contents.strippingPrefix("module.")
    self.init(
      tensors: stripped.tensors, format: format, sha256: sha256Hex(bytes),
      skipped: stripped.skipped.sorted(), wrapper: stripped.wrapper, strippedPrefix: prefix)
  }
}

/// What a reader found, before names are tidied.
struct CheckpointContents {
  var tensors: [String: Tensor] = [:]
  var skipped: [String] = []
  var wrapper: String?

  /// Removes `prefix` from every name if every name has it; otherwise changes nothing.
  func strippingPrefix(_ prefix: String) -> (CheckpointContents, String?) {
    guard !tensors.isEmpty, tensors.keys.allSatisfy({ $0.hasPrefix(prefix) }),
      skipped.allSatisfy({ $0.hasPrefix(prefix) })
    else { return (self, nil) }
    var result = CheckpointContents(wrapper: wrapper)
    for (name, tensor) in tensors { result.tensors[String(name.dropFirst(prefix.count))] = tensor }
    result.skipped = skipped.map { String($0.dropFirst(prefix.count)) }
    return (result, prefix)
  }
}

private func map(_ path: String) throws(ImportError) -> MappedFile {
  do {
    return try MappedFile(path: path)
  } catch {
    var line = TextLine()
    error.describe(to: &line)
    throw .unreadable(path: path, reason: String(line))
  }
}
