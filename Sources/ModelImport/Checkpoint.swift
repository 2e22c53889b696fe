// SPDX-License-Identifier: Apache-2.0

import ResNetPlatform

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
    /// What `torch.save` wrote before that, and writes without its zip format.
    case torchLegacy
    /// A graph of the Open Neural Network Exchange, with its tensors renamed to torchvision's names.
    case onnx
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

  /// The keys of dictionaries under which the tensors were found, such as `state_dict`, joined by
  /// points; nil if the top dictionary held them itself.
  public let wrapper: String?

  /// The prefix that was removed from the tensors' names, such as `module.`, which `DataParallel`
  /// adds; nil if there was none.
  public let strippedPrefix: String?

  /// The keys or prefixes of other copies of the weights, such as those that are not averaged.
  public let passedOver: [String]

  /// Whether the graph has the stride of its bottlenecks in their first convolution; nil if there is
  /// no graph that tells, or no stride.
  public var hasStrideInFirstConvolution: Bool?

  /// What keeps batch norm from dividing by zero; PyTorch's constant unless the graph tells another.
  public var normEpsilon = 1e-5

  /// Makes a checkpoint from tensors that are already in memory.
  public init(
    tensors: [String: Tensor], format: Format, sha256: String = "", skipped: [String] = [],
    wrapper: String? = nil, strippedPrefix: String? = nil, passedOver: [String] = []
  ) {
    self.tensors = tensors
    self.format = format
    self.sha256 = sha256
    self.skipped = skipped
    self.wrapper = wrapper
    self.strippedPrefix = strippedPrefix
    self.passedOver = passedOver
  }

  /// Reads the checkpoint at `path`; its kind is known by its contents, not by its name.
  ///
  /// Every count, offset and size is checked before it is used, and nothing in the file is
  /// executed, so a damaged or hostile file gives an error and never a crash. If another process
  /// shortens the file meanwhile, the process ends with SIGBUS, as with any mapped file.
  ///
  /// Of several copies of the weights, averaged ones (EMA) are taken before others: see `wrapper`,
  /// `strippedPrefix` and `passedOver`.
  ///
  /// - Parameter weights: the key or prefix of the copy that is wanted, such as `model`, or nil.
  /// - Throws: `ImportError`, for each of its cases.
  /// - **Allocates:** 4 bytes for each value, and while a PyTorch file is read its largest storage
  ///   once more, while an ONNX model is read all of its tensors once more. The file's pages are mapped
  ///   beside that, but not while an ONNX model's tensors are there twice.
  public init(contentsOf path: String, weights: String? = nil) throws(ImportError) {
    let file = try map(path)
    try self.init(bytes: file.bytes, weights: weights, dropPages: { file.dropPages() })
    withExtendedLifetime(file) {}
  }

  /// Reads the checkpoint whose file has the contents `bytes`.
  ///
  /// - Parameter dropPages: called when `bytes` are not needed for some time.
  package init(
    bytes: UnsafeRawBufferPointer, limits: ImportLimits = ImportLimits(), weights: String? = nil,
    dropPages: () -> Void = {}
  ) throws(ImportError) {
    var contents: CheckpointContents
    var structure = ONNXStructure()
    let format: Format
    switch try FileKind(of: bytes) {
    case .safetensors:
      contents = try readSafetensors(bytes, limits: limits)
      format = .safetensors
    case .zip:
      contents = try readTorchArchive(bytes, limits: limits, weights: weights)
      format = .torchZip
    case .legacyTorch:
      contents = try readLegacyTorch(bytes, limits: limits, weights: weights)
      format = .torchLegacy
    case .onnx:
      guard weights == nil else { throw .noSuchWeights(name: weights!) }
      (contents, structure) = try readONNX(bytes, limits: limits, dropPages: dropPages)
      format = .onnx
    }
    let prefix = contents.stripPrefixes(weights: contents.wrapper == nil ? weights : nil)
    if let weights, contents.wrapper == nil, prefix == nil {
      throw .noSuchWeights(name: weights)
    }
    self.init(
      tensors: contents.tensors, format: format, sha256: sha256Hex(bytes),
      skipped: contents.skipped.sorted(), wrapper: contents.wrapper, strippedPrefix: prefix,
      passedOver: contents.passedOver)
    hasStrideInFirstConvolution = structure.hasStrideInFirstConvolution
    normEpsilon = structure.normEpsilon
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
