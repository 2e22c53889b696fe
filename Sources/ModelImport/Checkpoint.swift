// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

/// A state dictionary: a model's tensors by name.
///
/// Only floating-point tensors are kept, as float32, all finite; integer ones, such as PyTorch's
/// `num_batches_tracked`, carry no weights and are listed in `skipped`.
package struct Checkpoint {
  package var tensors: [String: Tensor] = [:]
  /// The names of integer tensors, which were not read, in alphabetical order.
  package var skipped: [String] = []
  /// As in `Network.Source`.
  package var wrapper, strippedPrefix: String?
  package var passedOver: [String] = []

  /// What training loops put before the names of all tensors of a network, the best first: averaged
  /// weights (EMA), then modules that hold the network.
  private static let prefixes = [
    "ema_model.", "model_ema.", "module_ema.", "ema.", "_orig_mod.", "module.", "model.",
    "backbone.", "resnet.", "net.", "network.",
  ]

  /// The counter of PyTorch's `AveragedModel`.
  private static let averageCounter = "n_averaged"

  package init(tensors: [String: Tensor] = [:]) { self.tensors = tensors }

  /// Removes known prefixes while the names have them and no stem is found without; tensors with
  /// other known prefixes are other copies and are left out. A name without any known prefix
  /// leaves all as it is.
  ///
  /// - Parameter weights: the key or prefix that was asked for.
  fileprivate mutating func stripPrefixes(weights: String?) throws(ImportError) {
    let asked = wrapper == nil ? weights : nil
    var removed = ""
    while let prefix = nextPrefix(weights: removed.isEmpty ? asked : nil) {
      for other in Self.prefixes where other != prefix {
        if tensors.keys.contains(where: { $0.hasPrefix(other) }) {
          passedOver.append(removed + other.dropLast())
        }
      }
      var kept: [String: Tensor] = [:]
      for (name, tensor) in tensors where name.hasPrefix(prefix) {
        kept[String(name.dropFirst(prefix.count))] = tensor
      }
      tensors = kept
      skipped = skipped.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
      removed += prefix
    }
    skipped.sort()
    if !removed.isEmpty { strippedPrefix = removed }
    if let asked, removed.isEmpty { throw .noSuchWeights(name: asked) }
  }

  private func nextPrefix(weights: String?) -> String? {
    let names = tensors.keys
    guard CheckpointSchema(of: self) == nil else { return nil }
    func isKnown(_ name: String) -> Bool {
      Self.prefixes.contains { name.hasPrefix($0) } || name == Self.averageCounter
    }
    guard names.allSatisfy(isKnown), skipped.allSatisfy(isKnown) else { return nil }
    let candidates = weights.map { [$0 + "."] } ?? Self.prefixes
    return candidates.first { prefix in names.contains { $0.hasPrefix(prefix) } }
  }
}

/// A reader of tensors by name, whose network is known by these names.
protocol StateDictionaryReader: ModelReader {
  /// The tensors as the file names them.
  static func tensors(_ bytes: UnsafeRawBufferPointer, _ options: ImportOptions) throws(ImportError)
    -> Checkpoint
}

extension StateDictionaryReader {
  static func read(_ bytes: UnsafeRawBufferPointer, _ options: ImportOptions)
    throws(ImportError) -> Network
  {
    let checkpoint = try checkpoint(bytes, options)
    do throws(GraphError) {
      return try Network(checkpoint, bottleneckStride: options.bottleneckStride)
    } catch { throw .network(error) }
  }

  fileprivate static func checkpoint(_ bytes: UnsafeRawBufferPointer, _ options: ImportOptions)
    throws(ImportError) -> Checkpoint
  {
    var checkpoint = try tensors(bytes, options)
    try checkpoint.stripPrefixes(weights: options.weights)
    return checkpoint
  }
}

extension Checkpoint {
  /// Reads the tensors of the file at `path`, which must be a state dictionary.
  package init(contentsOf path: String) throws(ImportError) {
    let file = try map(path)
    try self.init(bytes: file.bytes)
    withExtendedLifetime(file) {}
  }

  /// Reads the tensors of the file with the contents `bytes`, which must be a state dictionary.
  package init(bytes: UnsafeRawBufferPointer, _ options: ImportOptions = ImportOptions())
    throws(ImportError)
  {
    let reader = try reader(of: bytes)
    guard let reader = reader as? any StateDictionaryReader.Type else {
      throw .unsupportedFormat(looksLike: "an \(reader.format), no state dictionary")
    }
    self = try reader.checkpoint(bytes, options)
  }
}
